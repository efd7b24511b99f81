//! The reader of one format on whatever the fuzzer makes up. Every format that is read has a target of its name, made
//! from this one file.
#![no_main]

#[path = "../../support/readers.rs"]
mod readers;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    readers::check(env!("CARGO_BIN_NAME"), input);
});
