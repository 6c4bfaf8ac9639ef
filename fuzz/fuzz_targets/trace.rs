#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netsession_tests::fuzz::trace(bytes));
