//! From a block to its row: what was said, and what was not.

use std::borrow::Cow;

use super::block::{Block, Kind};
use crate::record::{
    Acquire, CertificateRef, Claims, Code, Collection, FormatConfidence, KeyReport, Lineage, Observation, Printed,
    Provider, Reject, Sink, Stage, StoreLocation, Text,
};

/// `CERT_ACCESS_STATE_LM_SYSTEM_STORE_FLAG` (wincrypt.h).
const LOCAL_MACHINE_STORE: u32 = 4;
/// Types of providers that verbose dumps were seen with.
const SEEN_TYPES: [u32; 2] = [0, 1];

/// What the output around a block says of it.
pub(super) struct Around<'a> {
    pub(super) store: Option<&'a str>,
    /// From the command line.
    pub(super) scope: Option<StoreLocation>,
    /// From the name of the file.
    pub(super) file_scope: Option<StoreLocation>,
    pub(super) registry: &'a [Provider<'static>],
    /// The block is whole: another block, a footer or a prompt follows it.
    pub(super) is_whole: bool,
}

/// Pushes the record of a block: a row, a skip or a reject.
pub(super) fn push(block: &Block, around: &Around<'_>, sink: &mut dyn Sink) {
    let lineage = Lineage { record_number: block.number, ..Lineage::at(block.offset) };
    match block.kind {
        Kind::Crl => return sink.skip("crl"),
        Kind::Ctl => return sink.skip("ctl"),
        Kind::Certificate => {}
    }
    let lost = |code, message: &str| Reject::lost(lineage, Stage::Read, code, message);
    if block.is_too_large {
        return sink.reject(lost(Code::TooLarge, "the record is longer than 10,000 lines or 1 MiB"));
    }
    if !block.has_hash && !block.has_key() {
        return match (around.is_whole, block.is_card && !block.has_certificate()) {
            (true, true) => sink.skip("card_without_key"),
            (true, false) => sink.reject(lost(Code::MissingField, "the record has neither a hash nor a key property")),
            (false, _) => sink.reject(lost(Code::Truncated, "the source ends inside the record, before its hash")),
        };
    }
    if block.is_card && block.container.is_none() && !block.has_certificate() {
        return sink.skip("card_without_key");
    }
    sink.observation(&observation(block, around, lineage));
    for doubt in &block.doubts {
        sink.reject(Reject::degraded(lineage, Stage::Decode, doubt.code, doubt.field, doubt.message));
    }
    // A container on a card may have no certificate.
    if block.sha1.is_none() && (block.has_certificate() || !block.is_card) {
        let (code, message) = match block.has_hash {
            true => (Code::BadHex, "the hash of the certificate is not 20 bytes of hex"),
            false => (Code::MissingField, "the record has no hash of its certificate"),
        };
        sink.reject(Reject::degraded(lineage, Stage::Decode, code, "thumbprint", message));
    }
    if !around.is_whole && claims_report(block, around) == KeyReport::NotReported && !block.is_nested {
        let message = "the source ends inside the record: whether it has a key property is not known";
        sink.reject(Reject::degraded(lineage, Stage::Read, Code::Truncated, "key_presence", message));
    }
}

fn observation<'a>(block: &'a Block, around: &Around<'a>, lineage: Lineage) -> Observation<'a> {
    // What lies in a file or on a card lies in no store.
    let is_stored = !block.is_nested && !block.is_card;
    let is_machine = block.access_state.is_some_and(|state| state & LOCAL_MACHINE_STORE != 0);
    let scope = around.scope.or(is_machine.then_some(StoreLocation::LocalMachine)).or(around.file_scope);
    let is_inferred = block.provider_type.is_some_and(|kind| !SEEN_TYPES.contains(&kind));
    Observation {
        lineage,
        store_location: scope.filter(|_| is_stored),
        store_name: around.store.filter(|_| is_stored).map(Cow::Borrowed),
        collection: Collection {
            registry: around.registry,
            confidence: if is_inferred { FormatConfidence::Inferred } else { FormatConfidence::Seen },
            ..Collection::default()
        },
        certificate: CertificateRef { sha1: block.sha1, sha256: block.sha256, ..CertificateRef::default() },
        claims: claims(block, around),
        printed: Printed {
            subject: text(block, block.subject),
            issuer: text(block, block.issuer),
            serial: text(block, block.serial),
            not_before: text(block, block.not_before),
            not_after: text(block, block.not_after),
        },
        ..Observation::default()
    }
}

fn claims<'a>(block: &'a Block, around: &Around<'_>) -> Claims<'a> {
    let has_key = block.has_key();
    let hresult = match block.has_passed {
        true => Some(0),
        // Without a key property the word adds nothing.
        false => block.error.filter(|_| has_key),
    };
    let identifier = block.key_identifier.as_ref().or(block.key_hash.as_ref());
    let has = |id: u32| block.properties.iter().any(|property| property.id == id);
    Claims {
        key_report: claims_report(block, around),
        provider_name: text(block, block.provider),
        provider_type: block.provider_type,
        key_spec: block.key_spec,
        key_flags: block.key_flags,
        key_container: text(block, block.container),
        key_path: text(block, block.key_path),
        acquire: hresult.map(|hresult| Acquire { hresult: Some(hresult), key_spec: None }),
        export_policy: block.export_policy,
        is_exportable: block.is_exportable,
        virtual_iso: block.virtual_iso,
        isolated_key: has(118),
        ncrypt_key_handle: has(78).then_some(true),
        in_file: block.is_nested && has_key,
        reader: text(block, block.reader),
        reader_non_removable: has(106),
        friendly_name: text(block, block.friendly_name),
        archived: block.is_archived.then_some(true),
        key_identifier: identifier.map(|bytes| Cow::Borrowed(bytes.as_slice())),
        request_originator: text(block, block.originator),
        properties: block.properties.clone(),
        ..Claims::default()
    }
}

/// Whether the record denies a key property: its words do, or it is whole and has none. A record of unknown form (no
/// banner), with missing lines or cut off says nothing by its silence, and neither does one in a file.
fn claims_report(block: &Block, around: &Around<'_>) -> KeyReport {
    if block.has_key() {
        return KeyReport::Claimed;
    }
    // The last line of a source that was cut off may be the beginning of any other.
    let has_answer = block.results > u32::from(!around.is_whole) && !block.is_verbose;
    let is_silent = block.banners > 0
        && !block.is_elided
        && !block.is_card
        && if block.is_nested { has_answer } else { around.is_whole || has_answer };
    if block.is_denied || is_silent { KeyReport::Absent } else { KeyReport::NotReported }
}

fn text<'a>(block: &'a Block, span: Option<super::block::Span>) -> Option<Text<'a>> {
    block.get(span).map(Cow::Borrowed)
}
