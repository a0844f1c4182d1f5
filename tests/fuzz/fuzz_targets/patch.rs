//! libFuzzer over `patch::check`.

#![no_main]

#[path = "../patch.rs"]
mod patch;

libfuzzer_sys::fuzz_target!(|input: &[u8]| patch::check(input));
