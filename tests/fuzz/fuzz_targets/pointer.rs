//! libFuzzer over `pointer::check`.

#![no_main]

#[path = "../pointer.rs"]
mod pointer;

libfuzzer_sys::fuzz_target!(|input: &[u8]| pointer::check(input));
