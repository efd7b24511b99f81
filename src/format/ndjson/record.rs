//! Typed access to the fields of one census line. What has the wrong type or range is no value and a doubt: a
//! degraded reject that goes out with the row, if the line becomes one.

use std::borrow::Cow;

use crate::record::{Api, Code, Lineage, PcpAttestation, Reject, Stage, StoreLocation, Text};

use super::convert;
use super::fields::{Field, Fields};
use super::value::Value;

/// One line under interpretation.
pub(super) struct Record<'f, 'a> {
    pub(super) fields: Fields<'f, 'a>,
    pub(super) lineage: Lineage,
    /// Degraded rejects to send once the row is sent.
    pub(super) doubts: &'f mut Vec<Reject>,
}

impl<'a> Record<'_, 'a> {
    /// The value as it is.
    pub(super) fn get(&self, field: Field) -> Value<'a> {
        self.fields.get(field)
    }

    /// Notes that the value of `field` is not used.
    pub(super) fn doubt(&mut self, field: Field, code: Code, message: impl Into<String>) {
        self.doubts.push(Reject::degraded(self.lineage, Stage::Decode, code, field.path(), message));
    }

    /// A value of the type that `read` understands; everything else but silence is a doubt.
    #[inline]
    fn typed<T>(
        &mut self,
        field: Field,
        code: Code,
        expected: &str,
        read: impl FnOnce(Value<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(field);
        if value.is_silent() {
            return None;
        }
        let found = read(value);
        if found.is_none() {
            self.unexpected(field, code, expected);
        }
        found
    }

    #[cold]
    fn unexpected(&mut self, field: Field, code: Code, expected: &str) {
        let message = format!("not {expected}: {}", describe(self.get(field)));
        self.doubt(field, code, message);
    }

    /// Whether an object stands there, whose members are fields of their own.
    pub(super) fn object(&mut self, field: Field) -> bool {
        self.typed(field, Code::BadField, "an object", |value| value.is_object().then_some(())).is_some()
    }

    pub(super) fn text(&mut self, field: Field) -> Option<Text<'a>> {
        self.typed(field, Code::BadField, "a string", Value::text)
    }

    pub(super) fn bool(&mut self, field: Field) -> Option<bool> {
        self.typed(field, Code::BadField, "true or false", Value::bool)
    }

    pub(super) fn u32(&mut self, field: Field) -> Option<u32> {
        self.typed(field, Code::BadField, "a number from 0 to 4294967295", |value| {
            u32::try_from(value.unsigned()?).ok()
        })
    }

    /// `seq`, which also has to fit a signed column.
    pub(super) fn sequence(&mut self) -> Option<i64> {
        self.typed(Field::Seq, Code::BadField, "a number from 0 on", |value| i64::try_from(value.unsigned()?).ok())
    }

    pub(super) fn hresult(&mut self, field: Field) -> Option<u32> {
        self.word(field, Code::BadHex, "a hexadecimal HRESULT", convert::hresult)
    }

    pub(super) fn hash<const N: usize>(&mut self, field: Field) -> Option<[u8; N]> {
        self.word(field, Code::BadHex, "a hash in hexadecimal", convert::hash)
    }

    pub(super) fn time(&mut self, field: Field) -> Option<i64> {
        self.word(field, Code::BadTime, "an RFC 3339 time", convert::time)
    }

    pub(super) fn store_location(&mut self) -> Option<StoreLocation> {
        self.word(Field::StoreLocation, Code::BadField, "a store location", |text| match text {
            // As the format writes them.
            "LocalMachine" => Some(StoreLocation::LocalMachine),
            "CurrentUser" => Some(StoreLocation::CurrentUser),
            other => StoreLocation::parse(other),
        })
    }

    /// `api` (`cng`, `capi`) and `impl_api` (`ncrypt`, `capi`).
    pub(super) fn api(&mut self, field: Field) -> Option<Api> {
        self.word(field, Code::BadField, "one of cng, ncrypt, capi", |text| match text {
            "cng" | "ncrypt" => Some(Api::Cng),
            "capi" => Some(Api::Capi),
            _ => None,
        })
    }

    pub(super) fn pcp_attestation(&mut self) -> Option<PcpAttestation> {
        self.word(Field::AcquirePcp, Code::BadField, "one of none, ek_chain, aik_claim", |text| match text {
            "none" => Some(PcpAttestation::None),
            "ek_chain" => Some(PcpAttestation::EkChain),
            "aik_claim" => Some(PcpAttestation::AikClaim),
            _ => None,
        })
    }

    /// An array of strings; empty where nothing was said.
    pub(super) fn strings(&mut self, field: Field) -> Vec<Text<'a>> {
        self.typed(field, Code::BadField, "an array of strings", Value::strings).unwrap_or_default()
    }

    #[inline]
    fn word<T>(&mut self, field: Field, code: Code, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.typed(field, code, expected, |value| read(&value.text()?))
    }
}

/// What a value is, for messages.
pub(super) fn describe(value: Value<'_>) -> Cow<'static, str> {
    if value.is_silent() {
        "nothing".into()
    } else if value.is_object() {
        "an object".into()
    } else if value.is_array() {
        "an array".into()
    } else if let Some(text) = value.text() {
        format!("\"{}\"", convert::quote(&text)).into()
    } else if value.bool().is_some() || value.unsigned().is_some() {
        value.verbatim().to_owned().into()
    } else {
        // `serde_json` spells these numbers in its own way, and both paths must say the same.
        "a negative, fractional or huge number".into()
    }
}
