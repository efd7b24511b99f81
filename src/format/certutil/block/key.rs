//! The part of a record after its hash: properties, the key property among them, and what its tests gave.

use super::super::labels;
use super::super::shape::{self, Number};
use super::{Block, MAX_PROPERTIES, Piece, Stage, is_key_label};
use crate::record::{Code, Property};

/// `NTE_BAD_KEYSET` (winerror.h).
const BAD_KEYSET: u32 = 0x8009_0016;
/// `CRYPT_E_NO_KEY_PROPERTY` (winerror.h).
const NO_KEY_PROPERTY: u32 = 0x8009_200b;
/// `E_ACCESSDENIED` and `NTE_PERM` (winerror.h).
const ACCESS: [u32; 2] = [0x8007_0005, 0x8009_0010];

impl Block {
    /// A heading of a property.
    pub(super) fn heading(&mut self, id: u32) {
        self.is_verbose = true;
        self.section = None;
        self.property = Some(id);
        if self.properties.len() < MAX_PROPERTIES {
            self.properties.push(Property { id, len: 0 });
        }
        match id {
            2 => self.stage = Stage::Key,
            19 => self.is_archived = true,
            _ => {}
        }
        if id != 2 && self.stage != Stage::Identity {
            self.stage = Stage::Rest;
        }
    }

    /// A line below the heading of a property.
    pub(super) fn property_line(&mut self, piece: Piece<'_>) {
        let (text, invalid) = (piece.text, piece.invalid);
        match self.property {
            Some(11) if self.friendly_name.is_none() => {
                self.friendly_name = Some(self.keep_value(text, invalid, "friendly_name"));
                return;
            }
            Some(71) if self.originator.is_none() => {
                self.originator = Some(self.keep_value(text, invalid, "request_originator"));
                return;
            }
            Some(101) if self.reader.is_none() => {
                self.reader = Some(self.keep_value(text, invalid, "reader"));
                return;
            }
            Some(3) => self.hash_property(text),
            Some(107) if self.sha256.is_none() => self.sha256 = shape::hex(text),
            Some(20) if self.key_identifier.is_none() => self.key_identifier = shape::bytes(text),
            Some(14) => {
                let state = shape::assignment(text).and_then(|(_, value)| shape::number(value));
                // The tail of the record follows the last property: only the first number is the state.
                self.access_state = self.access_state.or(state.map(|number| number.value));
            }
            Some(2) => return self.key_or_result(piece),
            _ => {}
        }
        self.result(text);
    }

    /// The thumbprint as a property: what the hash line says again.
    fn hash_property(&mut self, text: &str) {
        let Some(hash) = shape::hex::<20>(text) else { return };
        match self.sha1 {
            None => {
                self.has_hash = true;
                self.sha1 = Some(hash);
            }
            Some(other) if other != hash => {
                self.doubt(Code::HashMismatch, "thumbprint", "the hash line and property 3 differ; the line is kept");
            }
            Some(_) => {}
        }
    }

    /// A line after the hash or below the heading of the key property.
    pub(super) fn key_or_result(&mut self, piece: Piece<'_>) {
        let text = piece.text;
        if let Some((name, value)) = shape::assignment(text) {
            if self.may_be_key(name, value) {
                return self.key_line(name, value, piece.invalid);
            }
        } else if self.stage == Stage::Key
            && let Some((label, value)) = shape::labelled(text)
            && self.container_name(label, value, piece.invalid)
        {
            return;
        }
        self.result(text);
    }

    /// Only the lines right after the hash, or below the heading, are the key property; a later one needs a known label.
    fn may_be_key(&self, name: &str, value: &str) -> bool {
        match self.stage {
            Stage::Key | Stage::Hash => {
                let is_chain = name.contains(['.', '[']) || name.starts_with("dw") || value.contains("(0x");
                !is_chain
            }
            Stage::Rest => self.is_card || (is_key_label(name) && self.provider.is_none() && self.property.is_none()),
            Stage::Identity | Stage::Ignored => false,
        }
    }

    /// `X = Y` of the key property: container, provider, and in the verbose form three numbers.
    pub(super) fn key_line(&mut self, name: &str, value: &str, invalid: bool) {
        // The section of a card names its container before the certificate.
        if !(self.is_card && self.stage == Stage::Identity) {
            self.stage = Stage::Key;
        }
        if self.number_line(name, value) {
            return;
        }
        if value.contains(" = ") && !is_key_label(name) {
            return self.joined(value, invalid);
        }
        if labels::is(name, labels::CONTAINER) {
            return self.set_container(value, invalid);
        }
        let is_provider = labels::is(name, labels::PROVIDER)
            || (self.container.is_some() && self.provider.is_none())
            || (self.container.is_none() && self.provider.is_none() && shape::is_provider(value));
        match (is_provider, self.provider) {
            (true, None) => self.provider = Some(self.keep_value(value, invalid, "provider_name")),
            (true, Some(_)) => {}
            (false, Some(_)) if self.is_card => self.set_container(value, invalid),
            (false, first) if self.container.is_none() && self.numbers == 0 => {
                // A container may be named like a provider; the provider comes second.
                let is_second = first.is_some() && shape::is_provider(value);
                if is_second {
                    self.container = first;
                    self.provider = Some(self.keep_value(value, invalid, "provider_name"));
                } else if first.is_none() {
                    self.set_container(value, invalid);
                }
            }
            _ => {}
        }
    }

    /// Lines that ran together, in an unknown language: only the end of the provider's name can be told.
    fn joined(&mut self, value: &str, invalid: bool) {
        self.is_joined = true;
        self.doubt(Code::BadStructure, "key_container", "the lines of the key property ran together");
        let provider = value.rsplit_once(" = ").and_then(|(_, rest)| shape::leading_provider(rest));
        if let Some(provider) = provider.filter(|_| self.provider.is_none()) {
            self.provider = Some(self.keep_value(provider, invalid, "provider_name"));
        }
    }

    fn set_container(&mut self, value: &str, invalid: bool) {
        // The section of a card marks its default container, and says so where there is none.
        let value = match self.is_card {
            true => shape::trim(value.split_once(" [").map_or(value, |(name, _)| name)),
            false => value,
        };
        if self.container.is_none() && !(self.is_card && value == "(null)") {
            self.container = Some(self.keep_value(value, invalid, "key_container"));
        }
    }

    /// A number of the key property, by label and else by order. True where the line is one.
    fn number_line(&mut self, name: &str, value: &str) -> bool {
        let order = match () {
            () if labels::is(name, labels::PROVIDER_TYPE) => 0,
            () if labels::is(name, labels::FLAGS) => 1,
            () if labels::is(name, labels::KEY_SPEC) => 2,
            // Names of constants are no labels: the tail of the record has such numbers.
            () if self.provider.is_some() && !name.contains('_') && shape::number(value).is_some() => self.numbers,
            () => return false,
        };
        let field = ["provider_type", "key_flags", "key_spec"][order.min(2) as usize];
        let Some(Number { value, is_doubtful }) = shape::number(value) else {
            self.doubt(Code::BadField, field, "the value is no hexadecimal number");
            return true;
        };
        if is_doubtful {
            self.doubt(Code::BadField, field, "the decimal in brackets is another number; the hexadecimal one is kept");
        }
        self.numbers = self.numbers.max(order + 1);
        match order {
            0 => self.provider_type = self.provider_type.or(Some(value)),
            1 => self.key_flags = self.key_flags.or(Some(value)),
            2 => self.key_spec = self.key_spec.or(Some(value)),
            _ => {}
        }
        true
    }

    /// The other name of the container: `X: Y` between container and provider. True where the line is one.
    fn container_name(&mut self, label: &str, value: &str, invalid: bool) -> bool {
        let is_unique = shape::is_unique_name(value) || labels::is(label, labels::UNIQUE_NAME);
        let is_simple = labels::is(label, labels::SIMPLE_NAME);
        let is_between = self.container.is_some() && self.provider.is_none() && self.key_path.is_none();
        if self.key_path.is_some() || !(is_unique || is_simple || is_between) {
            return is_unique || is_simple;
        }
        let holds_unique = self.get(self.container).is_some_and(shape::is_unique_name);
        if is_simple || (holds_unique && !is_unique) {
            // The property holds the unique name itself.
            self.key_path = self.container.filter(|_| holds_unique);
        } else {
            self.key_path = Some(self.keep_value(value, invalid, "key_path"));
        }
        true
    }

    /// A line that tells of a test, of an error, or of the key's policy.
    pub(in super::super) fn result(&mut self, text: &str) {
        if self.stage != Stage::Identity && self.property.is_none() {
            self.results += 1;
            // Symbolic names of flags stand between the numbers of a key property.
            if !text.contains(" -- ") {
                self.stage = Stage::Rest;
            }
        }
        if let Some(bit) = export_bit(text) {
            let policy = self.export_policy.get_or_insert(0);
            // In round brackets, the bit is not set.
            *policy |= if text.starts_with('(') { 0 } else { bit };
        } else if let Some(code) = shape::error(text) {
            self.failed(code);
        } else if labels::is(text, labels::PASSED) {
            self.has_passed = true;
        } else if labels::is(text, labels::MISSING) {
            self.error = self.error.or(Some(BAD_KEYSET));
        } else if labels::is(text, labels::NOT_EXPORTABLE) {
            self.is_exportable = Some(false);
        } else if labels::is(text, labels::NO_PROPERTY) {
            self.is_denied = true;
        } else if text.split(' ').any(|word| word == "VSM") {
            self.virtual_iso = Some(1);
        } else if let Some(value) = text.strip_prefix("Virtual Iso:") {
            // Decimal, and then hex in brackets.
            self.virtual_iso = self.virtual_iso.or(value.split_whitespace().next().and_then(|word| word.parse().ok()));
        }
    }

    /// An error says that the key could not be opened where it is one of missing keys, rights or cards. Any other says
    /// that an operation failed, for which the key was there.
    fn failed(&mut self, code: u32) {
        let is_card_error = code >> 16 == 0x8010;
        if code == NO_KEY_PROPERTY {
            self.is_denied = true;
        } else if code == BAD_KEYSET || ACCESS.contains(&code) || is_card_error {
            self.error = self.error.or(Some(code));
        }
    }
}

/// The bit of the export policy that a symbolic name stands for (ncrypt.h).
fn export_bit(text: &str) -> Option<u32> {
    let name = text.trim_start_matches('(').strip_prefix("NCRYPT_ALLOW_")?;
    match name.split_once(" -- ")?.0.strip_suffix("_FLAG")? {
        "EXPORT" => Some(1),
        "PLAINTEXT_EXPORT" => Some(2),
        "ARCHIVING" => Some(4),
        "PLAINTEXT_ARCHIVING" => Some(8),
        _ => None,
    }
}
