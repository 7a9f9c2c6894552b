#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| jsonvault::fuzzing::snapshot(data));
