//! libFuzzer over `connection::check`.

#![no_main]

#[path = "../connection/mod.rs"]
mod connection;

libfuzzer_sys::fuzz_target!(|input: &[u8]| connection::check(input));
