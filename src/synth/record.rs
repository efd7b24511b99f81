//! Certificate records: their fields, the key property, and the damage they may take.

use std::io::{self, Write};

use super::json::Object;
use super::key::{CNG, Class, Key, MACHINE_KEY, NCRYPT_KEY_SPEC, Provider};
use super::keys::Algorithm;
use super::options::Options;
use super::print::{Print, hex_text, uuid};
use super::rng::Rng;
use super::run::{Kind, Run};
use super::template::Owner;

/// What happens to a certificate record on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Whole,
    HashOnly,
    BadJson,
    TruncatedBase64,
    WrongHash,
    MissingField,
}

impl Fate {
    /// Draws the fate of the next record.
    pub fn draw(rng: &mut Rng, options: &Options) -> Self {
        let (broken, hash_only) = (rng.share(options.broken), rng.share(options.hash_only));
        let damage = *rng.pick(&[Fate::BadJson, Fate::TruncatedBase64, Fate::WrongHash, Fate::MissingField]);
        match (broken, hash_only) {
            (true, _) => damage,
            (false, true) => Fate::HashOnly,
            _ => Fate::Whole,
        }
    }
}

/// A certificate record about to be written.
pub(super) struct Record<'a> {
    pub location: &'a str,
    pub store: &'a str,
    pub sid: Option<&'a str>,
    pub print: Print,
    pub base64: &'a [u8],
    pub key: Option<&'a Property>,
    /// Optional properties, where the collector asked: friendly name, originator, template.
    pub asked: Option<[Option<&'a str>; 3]>,
}

/// A key property and, where the key was opened, what came of it.
pub(super) struct Property {
    pub key: Key,
    container: String,
    opened: Option<Opened>,
}

struct Opened {
    hresult: &'static str,
    unique_name: String,
    export_policy: u32,
    pcp_attestation: Option<&'static str>,
}

/// Draws what Windows says of a key. The number of draws depends on the key alone, never on what is asked.
pub(super) fn property(rng: &mut Rng, key: Key, thorough: bool, machine_guid: &str) -> Property {
    let container = match key.class {
        Class::SmartCard => format!("le-FabLogon-{}", uuid(rng)),
        Class::Hsm => format!("fab-{}", hex_text::<12>(rng)),
        Class::CloudKms => format!(
            "projects/fab-{:04}/locations/nowhere1/keyRings/web/cryptoKeys/k{:06}/cryptoKeyVersions/1",
            rng.below(10_000),
            rng.below(1_000_000)
        ),
        _ if rng.percent(70) => format!("te-{}", uuid(rng)),
        _ => format!("{{{}}}", uuid(rng).to_ascii_uppercase()),
    };
    let file = hex_text::<20>(rng);
    let unique_name = match key.class {
        Class::Tpm => format!("C:\\ProgramData\\Microsoft\\Crypto\\PCPKSP\\{file}\\{file}.PCPKEY"),
        Class::CapiSoftware | Class::CngSoftware | Class::Vbs => format!("{}_{machine_guid}", &file[..32]),
        _ => container.clone(),
    };
    let exportable = rng.percent(20) && matches!(key.class, Class::CapiSoftware | Class::CngSoftware);
    // NTE_BAD_KEYSET: the certificate says there is a key, and there is none.
    let missing = rng.percent(2);
    let attestation = *rng.pick(&[None, Some("none"), Some("ek_chain"), Some("aik_claim")]);
    // Only an opened key shows that it is isolated, so these always are.
    let opened = (thorough || key.class == Class::Vbs).then(|| Opened {
        hresult: if missing { "80090016" } else { "00000000" },
        unique_name,
        export_policy: if exportable { 3 } else { 0 },
        pcp_attestation: attestation.filter(|_| key.class == Class::Tpm),
    });
    Property { key, container, opened }
}

/// Writes a certificate record, or what its fate leaves of it.
pub(super) fn write_certificate<W: Write>(
    run: &mut Run<'_, W>,
    rng: &mut Rng,
    record: &Record<'_>,
    fate: Fate,
) -> io::Result<()> {
    let mut object = run.begin(Kind::Certificate);
    object.plain("store_location", record.location.as_bytes()).plain("store", record.store.as_bytes());
    object.maybe_text("sid", record.sid);
    if fate != Fate::MissingField {
        let print = if fate == Fate::WrongHash { record.print.spoiled() } else { record.print };
        object.plain("sha1", &print.sha1).plain("sha256", &print.sha256);
        // 4n + 1 characters are no base64 of anything.
        let cut = (record.base64.len() / 4).saturating_sub(1 + rng.below(20) as usize) * 4 + 1;
        match fate {
            Fate::HashOnly => object.null("der"),
            Fate::TruncatedBase64 => object.plain("der", record.base64.get(..cut).unwrap_or_default()),
            _ => object.plain("der", record.base64),
        };
    }
    object.boolean("archived", false);
    if let Some([friendly, originator, _]) = record.asked {
        object.maybe_text("friendly_name_display", friendly).maybe_text("request_originator", originator);
    }
    match record.key {
        Some(property) => write_key_property(&mut object, property),
        None => {
            object.null("key_prov_info");
            if record.asked.is_some() {
                object.boolean("ncrypt_key_handle", false).null("acquire");
            }
        }
    }
    if let Some([.., template]) = record.asked {
        object.maybe_text("enrolled_template", template);
    }
    object.close();

    let broken = &mut run.summary.broken;
    match fate {
        Fate::Whole => {}
        Fate::HashOnly => run.summary.hash_only += 1,
        Fate::TruncatedBase64 => broken.truncated_base64 += 1,
        Fate::WrongHash => broken.wrong_hash += 1,
        Fate::MissingField => broken.missing_field += 1,
        Fate::BadJson => {
            broken.bad_json += 1;
            let len = run.line.len() as u64;
            run.line.truncate((len / 4 + rng.below(len / 2)) as usize);
            // Half a character would be another damage than the one that is counted.
            while std::str::from_utf8(run.line).is_err() {
                run.line.pop();
            }
        }
    }
    run.finish()
}

fn write_key_property(object: &mut Object<'_>, property: &Property) {
    let Property { key, container, opened } = property;
    let provider = key.provider();
    let by_machine = key.owner == Owner::Machine;
    object.object("key_prov_info", |o| {
        o.text("container", container)
            .text("provider", provider.name)
            .number("prov_type", provider.prov_type.into())
            .number("flags", if by_machine { MACHINE_KEY.into() } else { 0 })
            .number("key_spec", key.key_spec.into());
    });
    let Some(opened) = opened else { return };
    object.boolean("ncrypt_key_handle", false);
    object.object("acquire", |o| {
        o.text("hresult", opened.hresult);
        if opened.hresult != "00000000" {
            return;
        }
        let (algorithm, bits) = algorithm(key);
        let isolated = key.class == Class::Vbs;
        o.number("key_spec", if provider.prov_type == CNG { NCRYPT_KEY_SPEC } else { key.key_spec }.into())
            .text("unique_name", &opened.unique_name)
            .text("algorithm", algorithm)
            .number("key_bits", bits)
            .maybe_number("impl_flags", key_flags(provider, isolated))
            .text("impl_api", provider.impl_api())
            .number("export_policy", opened.export_policy.into())
            .boolean("machine_key", by_machine)
            .maybe_number("virtual_iso", isolated.then_some(1))
            .number("ui_policy", 0)
            .maybe_text("pcp_attestation", opened.pcp_attestation);
    });
}

/// Implementation flags of a key: its provider's, with `NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG` for an isolated one.
fn key_flags(provider: &Provider, isolated: bool) -> Option<u32> {
    provider.impl_flags.map(|flags| if isolated { flags | 0x20 } else { flags })
}

/// The algorithm as NCrypt names it, and its bits.
fn algorithm(key: &Key) -> (&'static str, u64) {
    match key.algorithm {
        Algorithm::Rsa2048 => ("RSA", 2048),
        Algorithm::Rsa4096 => ("RSA", 4096),
        Algorithm::P256 => ("ECDSA_P256", 256),
    }
}
