//! The short way through a certificate (`x509::Parser::recall`) against the long one, fact by fact.
#![no_main]

#[path = "../../support/certificates.rs"]
mod certificates;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    certificates::check(input);
});
