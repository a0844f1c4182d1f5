//! Documents that say whose they are: key, counter, padding, and a checksum over all of it. A value that was stored
//! under another key, or mixed from two, does not read.

use serde_json::Value;

/// A document for `key`, number `counter`, with `padding` bytes more.
pub fn write(key: &str, counter: u64, padding: usize) -> String {
    let padding = "x".repeat(padding);
    let sum = checksum(key, counter, &padding);
    format!("{{\"key\":\"{key}\",\"counter\":{counter},\"padding\":\"{padding}\",\"sum\":{sum}}}")
}

/// The counter of a document of `key`.
#[track_caller]
pub fn read(key: &str, document: &[u8]) -> u64 {
    let shown = String::from_utf8_lossy(document);
    let value: Value = serde_json::from_slice(document).unwrap_or_else(|error| panic!("{key}: {error}: {shown}"));
    assert_eq!(value["key"].as_str(), Some(key), "a document under another key: {shown}");
    let counter = value["counter"].as_u64().expect("a counter");
    let sum = checksum(key, counter, value["padding"].as_str().expect("padding"));
    assert_eq!(value["sum"].as_u64(), Some(sum.into()), "{key}: a document that nobody wrote: {shown}");
    counter
}

fn checksum(key: &str, counter: u64, padding: &str) -> u32 {
    crc32c::crc32c(format!("{key} {counter} {padding}").as_bytes())
}
