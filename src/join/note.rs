//! What a row group leaves for the join: compact records, each with its client and what it is about in front.

use serde::{Deserialize, Serialize};

use crate::classify::Marks;
use crate::client::Basis;
use crate::findings::facts::CertificateFacts;
use crate::record::{Api, Binding, Claims, Lineage, Provider, Request, StoreLocation, Text};
use crate::walk::{Source, SourceNumber};

use super::parts::{draw, part_of};
use super::shelf::Shared;

/// What a note is about. The order is that in which the notes of one client are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// There is such a client.
    Client,
    /// A provider registered on it.
    Provider,
    /// A binding or role of it.
    Binding,
    /// Event 624 on it.
    CapiUse,
    /// A key seen on it.
    Key,
    /// What others say of a public key; no client is named.
    Attached,
    /// What was found of the keys of a client that has two names, for its bindings.
    Bound,
    /// A key that could not be opened, where it is counted on how many clients there is one.
    MissingKey,
}

impl Class {
    const ALL: [Class; 8] = [
        Class::Client,
        Class::Provider,
        Class::Binding,
        Class::CapiUse,
        Class::Key,
        Class::Attached,
        Class::Bound,
        Class::MissingKey,
    ];

    /// It is about a key, which the head then names.
    fn is_of_key(self) -> bool {
        matches!(self, Class::Key | Class::Attached | Class::MissingKey)
    }
}

/// Where a note comes from: everything that a row needs for its lineage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin<'a> {
    /// Number of the source.
    pub source: SourceNumber,
    /// Its id.
    pub source_id: [u8; 16],
    /// The member, where the source is one.
    pub member: Option<&'a str>,
    /// Where in the source.
    pub lineage: Lineage,
}

impl Origin<'_> {
    /// The same without the member's name.
    pub fn unnamed(&self) -> Origin<'static> {
        Origin { source: self.source, source_id: self.source_id, member: None, lineage: self.lineage }
    }
}

/// The head of a note, in front of its body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Head<'a> {
    /// What it is about.
    pub class: Class,
    /// Identity of the key; zero where the note is about none or does not need it, and then not written.
    pub key_id: [u8; 16],
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: Option<[u8; 32]>,
    /// Client, lower case.
    pub client: Option<&'a str>,
}

const NO_CLIENT: u16 = u16::MAX;
/// The client of the note before.
const SAME_CLIENT: u16 = u16::MAX - 1;

impl<'a> Head<'a> {
    /// A head of a note about a client.
    pub fn of_client(class: Class, client: Option<&'a str>) -> Self {
        Head { class, key_id: [0; 16], spki_sha256: None, client }
    }

    /// Appends a note.
    pub fn write(&self, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        // Names of clients are at most 255 bytes long.
        let len = self.client.map_or(NO_CLIENT, |name| name.len().min(usize::from(SAME_CLIENT - 1)) as u16);
        self.write_of(len, self.client.unwrap_or_default(), out, body);
    }

    /// Appends a note about the client of the one before.
    pub fn write_next(&self, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        self.write_of(SAME_CLIENT, "", out, body);
    }

    fn write_of(&self, len: u16, client: &str, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.push(self.class as u8);
        if self.class.is_of_key() {
            let has_id = self.key_id != [0; 16];
            out.push(u8::from(self.spki_sha256.is_some()) | u8::from(has_id) << 1);
            if has_id {
                out.extend_from_slice(&self.key_id);
            }
            self.spki_sha256.iter().for_each(|spki| out.extend_from_slice(spki));
        }
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(client.as_bytes());
        body(out);
        let len = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&len.to_le_bytes());
    }
}

/// The first note of `bytes`, behind one about the client `before`: head, body, and the whole note's bytes. `None` at the
/// end.
fn split<'a>(bytes: &'a [u8], before: Option<&'a str>) -> Option<(Head<'a>, &'a [u8], &'a [u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let len = u32::from_le_bytes(*len) as usize;
    let note = rest.get(..len)?;
    let (class, rest) = note.split_first()?;
    let class = *Class::ALL.get(usize::from(*class))?;
    let (mut rest, mut key_id, mut spki_sha256) = (rest, [0; 16], None);
    if class.is_of_key() {
        let (are_there, behind) = rest.split_first()?;
        rest = behind;
        if are_there & 2 != 0 {
            let (id, behind) = rest.split_first_chunk::<16>()?;
            (key_id, rest) = (*id, behind);
        }
        if are_there & 1 != 0 {
            let (spki, behind) = rest.split_first_chunk::<32>()?;
            (spki_sha256, rest) = (Some(*spki), behind);
        }
    }
    let (client_len, rest) = rest.split_first_chunk::<2>()?;
    let client_len = u16::from_le_bytes(*client_len);
    let (client, body) = match client_len {
        NO_CLIENT => (None, rest),
        SAME_CLIENT => (before, rest),
        len => (Some(std::str::from_utf8(rest.get(..usize::from(len))?).ok()?), rest.get(usize::from(len)..)?),
    };
    let head = Head { class, key_id, spki_sha256, client };
    Some((head, body, bytes.get(..4 + len)?))
}

/// Every note of `bytes`, with the bytes of each.
pub fn all(mut bytes: &[u8]) -> impl Iterator<Item = (Head<'_>, &[u8], &[u8])> {
    let mut before = None;
    std::iter::from_fn(move || {
        let found = split(bytes, before)?;
        bytes = &bytes[found.2.len()..];
        before = found.0.client;
        Some(found)
    })
}

/// The part that a note belongs to: that of its client. Keys of which no client is known are spread, as one file may have
/// millions of them.
pub fn part(head: &Head<'_>) -> usize {
    part_of(match (head.client, head.class) {
        (None, Class::Key | Class::MissingKey) => draw(&head.key_id),
        (client, _) => draw(client.unwrap_or_default().as_bytes()),
    })
}

/// What a record says of a key that is its own alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyOwn<'a> {
    /// Where it stands.
    pub origin: Origin<'a>,
    /// When the collection was made.
    pub collected_at: Option<i64>,
    /// SHA-1 that the record claims for its certificate.
    pub sha1: Option<[u8; 20]>,
    /// Owner of a user store.
    pub user_sid: Option<&'a str>,
    /// Container, verbatim, where it bears on the verdict.
    pub container: Option<&'a str>,
    /// Path or unique name, verbatim, where it bears on the verdict.
    pub path: Option<&'a str>,
    /// Stands for its container (`key_ids::container`), where the record names its certificate.
    pub named: Option<u64>,
}

/// What many records say alike of their keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeyState<'a> {
    /// How the client is known.
    pub basis: u8,
    /// Kind of store.
    pub store_location: Option<StoreLocation>,
    /// Store, verbatim.
    pub store_name: Option<Text<'a>>,
    /// What is said of the key, without container and path.
    pub claims: Claims<'a>,
}

/// Facts of a certificate that are its own alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CertificateOwn<'a> {
    /// SHA-1.
    pub sha1: [u8; 20],
    /// SHA-256.
    pub sha256: [u8; 32],
    /// Subject, RFC 4514.
    pub subject: Option<&'a str>,
    /// Start of validity.
    pub not_before: Option<i64>,
    /// End of validity.
    pub not_after: Option<i64>,
    /// Subject and issuer are the same.
    pub is_self_signed: Option<bool>,
    /// The security identifier extension is there.
    pub has_sid: bool,
    /// A user principal name is there.
    pub has_upn: bool,
    /// The shape of a vulnerable key.
    pub is_roca: bool,
    /// Stands for its public key (`key_ids::public_key`).
    pub public_key: u64,
}

/// Facts that certificates of one profile share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CertificateProfile {
    /// Marks of attestation.
    pub marks: Marks,
    /// As in `certificates`.
    pub key_algorithm: Option<String>,
    /// Bits of the key.
    pub key_size_bits: Option<i32>,
    /// As in `certificates`.
    pub signature_algorithm: Option<String>,
    /// As in `certificates`.
    pub pqc_status: Option<String>,
    /// As in `certificates`.
    pub weak_reasons: Vec<Text<'static>>,
    /// As in `certificates`.
    pub key_usage: Vec<Text<'static>>,
    /// As in `certificates`.
    pub eku: Vec<Text<'static>>,
    /// As in `certificates`.
    pub is_ca: Option<bool>,
    /// As in `certificates`.
    pub is_client_auth: Option<bool>,
    /// As in `certificates`.
    pub is_server_auth: Option<bool>,
    /// As in `certificates`.
    pub is_smart_card_logon: Option<bool>,
    /// Template by name.
    pub template_name: Option<String>,
    /// Template by OID.
    pub template_oid: Option<String>,
}

impl CertificateProfile {
    /// The facts of one certificate of this profile.
    pub fn with<'a>(&'a self, own: &CertificateOwn<'a>) -> CertificateFacts<'a> {
        let text = |text: &'a Option<String>| text.as_deref();
        CertificateFacts {
            sha1: own.sha1,
            sha256: own.sha256,
            subject: own.subject,
            not_before: own.not_before,
            not_after: own.not_after,
            key_algorithm: text(&self.key_algorithm),
            key_size_bits: self.key_size_bits,
            signature_algorithm: text(&self.signature_algorithm),
            pqc_status: text(&self.pqc_status),
            weak_reasons: &self.weak_reasons,
            key_usage: &self.key_usage,
            eku: &self.eku,
            is_ca: self.is_ca,
            is_self_signed: own.is_self_signed,
            is_client_auth: self.is_client_auth,
            is_server_auth: self.is_server_auth,
            is_smart_card_logon: self.is_smart_card_logon,
            has_sid: own.has_sid,
            has_upn: own.has_upn,
            is_roca: own.is_roca,
            has_attestation_marks: self.marks.has_policy() || self.marks.is_yubikey_attestation(),
            template_name: text(&self.template_name),
            template_oid: text(&self.template_oid),
        }
    }
}

/// The pieces of the body of a note about a key: what is its own, its certificate's own facts, and profile and state, which
/// many notes share.
pub struct KeyBody<'a> {
    /// What the record says that is its own.
    pub own: KeyOwn<'a>,
    /// The certificate's own facts, and its [`CertificateProfile`].
    pub certificate: Option<(CertificateOwn<'a>, Shared<'a>)>,
    /// The [`KeyState`].
    pub state: Shared<'a>,
}

impl<'a> KeyBody<'a> {
    /// Takes the body of a note apart.
    pub fn read(body: &'a [u8], sources: &[Source]) -> Option<Self> {
        let (own, rest) = KeyOwn::read(body, |file| Some(sources.get(file as usize)?.id))?;
        let (has_certificate, rest) = rest.split_first()?;
        let (certificate, rest) = match has_certificate {
            0 => (None, rest),
            _ => {
                let (certificate, rest) = CertificateOwn::read(rest)?;
                let (profile, rest) = Shared::read(rest)?;
                (Some((certificate, profile)), rest)
            }
        };
        let (state, _) = Shared::read(rest)?;
        Some(KeyBody { own, certificate, state })
    }
}

/// The body of a note about registered providers: their source, and the list.
pub fn split_providers(body: &[u8]) -> Option<(SourceNumber, Shared<'_>)> {
    let (source, rest) = postcard::take_from_bytes(body).ok()?;
    Some((source, Shared::read(rest)?.0))
}

/// Providers written one after the other.
pub fn providers(mut bytes: &[u8]) -> Vec<Provider<'static>> {
    let mut all = Vec::new();
    while let Ok((provider, rest)) = postcard::take_from_bytes(bytes) {
        all.push(provider);
        bytes = rest;
    }
    all
}

/// A binding or role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BindingWords<'a> {
    /// Where it stands.
    #[serde(borrow)]
    pub origin: Origin<'a>,
    /// How the client is known.
    pub basis: u8,
    /// The binding.
    #[serde(borrow)]
    pub binding: Binding<'a>,
}

/// An enrolment, as far as it speaks of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enrolment<'a> {
    /// Where it stands.
    #[serde(borrow)]
    pub origin: Origin<'a>,
    /// A row of a CA's database.
    pub is_ca_row: bool,
    /// SHA-1 of the public key bits.
    pub public_key_sha1: Option<[u8; 20]>,
    /// SHA-1 of the certificate that was issued.
    pub sha1: Option<[u8; 20]>,
    /// SHA-256 of it.
    pub sha256: Option<[u8; 32]>,
    /// Declared provider, verbatim.
    pub provider_name: Option<Text<'a>>,
    /// Marks of attestation.
    pub attestation: Vec<Text<'a>>,
}

impl<'a> Enrolment<'a> {
    /// What a request says of its key; `None` where it says nothing.
    pub fn of(r: &'a Request<'a>, origin: Origin<'a>) -> Option<Self> {
        let has_word = r.provider_name.is_some() || !r.attestation.is_empty();
        let has_name = r.spki_sha256.is_some()
            || r.public_key_sha1.is_some()
            || r.issued.sha1.is_some()
            || r.issued.sha256.is_some();
        (has_word && has_name).then(|| Enrolment {
            origin,
            is_ca_row: r.kind == crate::record::RequestKind::CaRow,
            public_key_sha1: r.public_key_sha1,
            sha1: r.issued.sha1,
            sha256: r.issued.sha256,
            provider_name: r.provider_name.as_deref().map(Text::Borrowed),
            attestation: r.attestation.iter().map(|mark| Text::Borrowed(&**mark)).collect(),
        })
    }
}

/// What others say of a key's public key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attached<'a> {
    /// Clients with a private key of this public key.
    pub clients_with_key: u32,
    /// Enrolments of it, and files with it.
    #[serde(borrow)]
    pub words: Vec<Word<'a>>,
    /// How many enrolments there are.
    pub enrolments: u32,
}

/// One thing that others say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word<'a> {
    /// Where it stands.
    #[serde(borrow)]
    pub origin: Origin<'a>,
    /// What is said.
    #[serde(borrow)]
    pub said: Said<'a>,
}

/// What others can say of a public key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Said<'a> {
    /// A row of a CA's database declares this provider.
    CaProvider(Text<'a>),
    /// A request declares this provider.
    RequestProvider(Text<'a>),
    /// An enrolment has these marks of attestation.
    Attestation(Text<'a>),
    /// A file with the key names this provider.
    FileProvider(Text<'a>),
}

impl<'a> Said<'a> {
    /// Cuts a text that is longer than so many bytes.
    pub fn clip(&mut self, most: usize) {
        let (Said::CaProvider(text) | Said::RequestProvider(text) | Said::Attestation(text) | Said::FileProvider(text)) =
            self;
        if text.len() > most {
            let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            *text = Text::Owned(format!("{}...", text.get(..end).unwrap_or_default()));
        }
    }
}

const BASES: [Basis; 5] = [Basis::Record, Basis::Dir, Basis::Stem, Basis::Regex, Basis::Name];

/// The number of a basis.
pub fn basis_number(basis: Option<Basis>) -> u8 {
    basis.and_then(|basis| BASES.iter().position(|b| *b == basis)).unwrap_or(0) as u8
}

/// The basis of a number.
pub fn basis(number: u8) -> Basis {
    BASES.get(usize::from(number)).copied().unwrap_or(Basis::Record)
}

/// Appends a value; into memory that cannot fail for these types.
pub fn append<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    if let Ok(bytes) = postcard::to_extend(value, std::mem::take(out)) {
        *out = bytes;
    }
}

/// The claims that bear on a key, as most records share them: without container and path, and without what no row of
/// `keys` or `evidence` shows.
pub fn trimmed<'a>(claims: &'a Claims<'a>) -> Claims<'a> {
    let borrow = |text: &'a Option<Text<'a>>| text.as_deref().map(Text::Borrowed);
    Claims { provider_name: borrow(&claims.provider_name), reader: borrow(&claims.reader), ..wordless(claims) }
}

/// The [`trimmed`] claims without their texts.
pub fn wordless(claims: &Claims<'_>) -> Claims<'static> {
    Claims {
        key_report: claims.key_report,
        provider_type: claims.provider_type,
        key_spec: claims.key_spec,
        key_flags: claims.key_flags,
        has_private_key: claims.has_private_key,
        ncrypt_key_handle: claims.ncrypt_key_handle,
        enumerated_api: claims.enumerated_api,
        acquire: claims.acquire,
        impl_flags: claims.impl_flags,
        impl_api: claims.impl_api,
        hardware_device: claims.hardware_device,
        key_algorithm: claims.key_algorithm,
        key_size_bits: claims.key_size_bits,
        export_policy: claims.export_policy,
        is_exportable: claims.is_exportable,
        virtual_iso: claims.virtual_iso,
        isolated_key: claims.isolated_key,
        in_file: claims.in_file,
        pcp_attestation: claims.pcp_attestation,
        reader_non_removable: claims.reader_non_removable,
        ..Claims::default()
    }
}

/// A provider as the client's registry has it, without what the join does not need.
pub fn bare<'a>(p: &'a Provider<'a>) -> Provider<'a> {
    let api: Option<Api> = p.api;
    Provider {
        name: Text::Borrowed(&*p.name),
        api,
        provider_type: p.provider_type,
        impl_flags: p.impl_flags,
        impl_api: p.impl_api,
        ..Provider::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_with_head_and_body() {
        let mut bytes = Vec::new();
        let key = Head { class: Class::Key, key_id: [7; 16], spki_sha256: Some([9; 32]), client: Some("pc-1") };
        let nobody = Head::of_client(Class::Binding, None);
        key.write(&mut bytes, |out| out.extend_from_slice(b"body"));
        key.write_next(&mut bytes, |out| out.push(1));
        nobody.write(&mut bytes, |_| {});
        let found: Vec<_> = all(&bytes).map(|(head, body, whole)| (head, body, whole.len())).collect();
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].0, found[0].1), (key, &b"body"[..]));
        assert_eq!((found[1].0, found[1].1), (key, &[1][..]));
        assert_eq!((found[2].0, found[2].1), (nobody, &b""[..]));
        assert_eq!(found.iter().map(|found| found.2).sum::<usize>(), bytes.len());
        for end in 0..bytes.len() {
            assert!(all(&bytes[..end]).count() < 3, "a cut note is none");
        }
    }
}
