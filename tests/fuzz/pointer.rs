//! JSON pointers over documents: what is found is what serde_json finds, where it can, and is a part of the text.
//!
//! The first line is the pointer, what is behind it the document.

use memory_tools::base::json;
use memory_tools::base::limits::JSON_DEPTH_MAX;
use memory_tools::patch::{Pointer, pretty};
use serde_json::Value;

/// Indented texts are accepted up to this size.
const PRETTY_BYTES_MAX: usize = 1 << 20;

/// Follows the pointer that `input` has, whatever it is.
///
/// # Panics
/// When something else is found than should be.
pub fn check(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (text, document) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else { return };
    let pointer = Pointer::parse(text);
    let is_escape = |behind: &str| behind.starts_with(['0', '1']);
    let is_one = (text.is_empty() || text.starts_with('/')) && text.split('~').skip(1).all(is_escape);
    assert_eq!(pointer.is_ok(), is_one, "{text:?}");
    let Ok(pointer) = pointer else { return };
    let found = pointer.find(document);
    if json::check(document, JSON_DEPTH_MAX).is_err() {
        return;
    }
    if let Some(found) = &found {
        let part = &document[found.clone()];
        assert_eq!(json::check(part, JSON_DEPTH_MAX), Ok(()), "{}", part.escape_ascii());
        assert_eq!(json::trim(part), part, "white space is no part of a value");
    }
    let Ok(value) = serde_json::from_slice::<Value>(document) else { return };
    let part = found.map(|found| serde_json::from_slice::<Value>(&document[found]).expect("a part of JSON is JSON"));
    assert_eq!(part.as_ref(), value.pointer(text), "{text:?} in {}", document.escape_ascii());
    check_pretty(document, &value);
}

/// Indented for people it is the same value.
fn check_pretty(document: &[u8], value: &Value) {
    if let Ok(indented) = pretty(document, PRETTY_BYTES_MAX) {
        assert_eq!(serde_json::from_slice::<Value>(&indented).as_ref().ok(), Some(value));
    }
}
