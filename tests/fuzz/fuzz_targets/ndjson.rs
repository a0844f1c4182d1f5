//! libFuzzer over `ndjson::check`.

#![no_main]

#[path = "../service/mod.rs"]
mod service;
#[path = "../ndjson.rs"]
mod ndjson;

libfuzzer_sys::fuzz_target!(|input: &[u8]| ndjson::check(input));
