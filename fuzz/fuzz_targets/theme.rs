#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| allclear::untrusted::theme(data));
