//! What was made, in numbers that a scan of the fleet must find again.

use std::ops::AddAssign;

macro_rules! counts {
    ($(#[doc = $outer:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $field:ident: $kind:ty,)+ }) => {
        $(#[doc = $outer])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name { $($(#[doc = $doc])+ pub $field: $kind,)+ }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                $(self.$field += other.$field;)+
            }
        }
    };
}

counts! {
    /// Damaged certificate records, by damage.
    Broken {
        /// The line ends in the middle of its object.
        bad_json: u64,
        /// The base64 text has an impossible length.
        truncated_base64: u64,
        /// Both claimed hashes differ from the certificate's.
        wrong_hash: u64,
        /// Neither the certificate nor a hash is there.
        missing_field: u64,
    }
}

impl Broken {
    /// All damaged records.
    pub fn total(&self) -> u64 {
        self.bad_json + self.truncated_base64 + self.wrong_hash + self.missing_field
    }
}

counts! {
    /// What a call made.
    Summary {
        /// Files written.
        files: u64,
        /// Their length together, in bytes.
        bytes: u64,
        /// Clients.
        clients: u64,
        /// Lines of every type, damaged ones too; 0 for a tree of DER files.
        records: u64,
        /// Certificate records or files, damaged ones too.
        certificates: u64,
        /// Certificate records with hashes and no DER.
        hash_only: u64,
        /// Length of the certificates behind all records but the hash-only ones, in bytes of DER, before any damage.
        der_bytes: u64,
        /// Damaged certificate records.
        broken: Broken,
        /// Provider records.
        providers: u64,
        /// Key records.
        keys: u64,
        /// Binding records.
        bindings: u64,
        /// Error records.
        errors: u64,
        /// Clients without `end` record.
        without_end: u64,
    }
}
