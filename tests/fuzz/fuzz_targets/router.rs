//! libFuzzer over `router::check`.

#![no_main]

#[path = "../service/mod.rs"]
mod service;
#[path = "../router.rs"]
mod router;

libfuzzer_sys::fuzz_target!(|input: &[u8]| router::check(input));
