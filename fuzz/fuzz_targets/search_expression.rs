#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| allclear::untrusted::search_expression(data));
