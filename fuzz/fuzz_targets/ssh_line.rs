#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| allclear::untrusted::ssh_line(data));
