//! The census/1 records of one client. Field names and their order follow the format's definition.

use std::io::{self, Write};

use super::certificate::Certificates;
use super::clock::{COLLECTION_START, Civil, DAY};
use super::key::{BUILT_IN, CNG, Class, Key, PROVIDERS};
use super::names::{self, Client};
use super::options::Options;
use super::pool::{Shared, carriers, shared_index};
use super::print::{Print, hex_text, uuid};
use super::record::{Fate, Property, Record, property, write_certificate};
use super::rng::{Purpose, Rng};
use super::run::{COUNTED, Kind, Run};
use super::summary::Summary;
use super::template::Owner;

/// Buffers and certificate maker of one worker.
pub(super) struct Scratch {
    pub certificates: Certificates,
    base64: Vec<u8>,
    line: Vec<u8>,
}

impl Scratch {
    pub fn new(certificates: Certificates) -> Self {
        Scratch { certificates, base64: Vec::new(), line: Vec::new() }
    }
}

/// Writes the census of one client.
pub(super) fn write_client<W: Write>(
    options: &Options,
    pool: &[Shared],
    scratch: &mut Scratch,
    number: u64,
    out: W,
) -> io::Result<Summary> {
    let client = Client::new(options.seed, number);
    let mut rng = Rng::stream(options.seed, Purpose::Records, number);
    let keys = Rng::stream(options.seed, Purpose::Keys, number);
    let thorough = rng.share(options.thorough);
    let user_sid = scratch.certificates.sid(&client, Owner::User);
    let Scratch { certificates, base64, line } = scratch;
    let id = uuid(&mut rng);
    let machine_guid = uuid(&mut rng);
    let mut run = Run { out, line, id, host: &client.host, seq: 0, summary: Summary::default() };

    write_header(&mut run, &mut rng, &client, number, &machine_guid, &user_sid)?;
    write_providers(&mut run, options, keys.clone())?;

    let mut keys = keys;
    // The last own certificate that was written whole: what bindings and hash-only records name.
    let mut last: Option<(Print, Property)> = None;
    for at in 0..options.own_per_client {
        let key = Key::draw(&mut keys, &options.weights);
        let mut fate = Fate::draw(&mut rng, options);
        if let (Fate::HashOnly, Some((print, property))) = (fate, &last) {
            let by_machine = property.key.owner == Owner::Machine;
            let record = Record {
                location: if by_machine { "LocalMachine" } else { "CurrentUser" },
                store: "Remote Desktop",
                sid: (!by_machine).then_some(user_sid.as_str()),
                print: *print,
                base64: &[],
                key: (property.key.class != Class::NoKey).then_some(property),
                asked: None,
            };
            write_certificate(&mut run, &mut rng, &record, fate)?;
            continue;
        }
        if fate == Fate::HashOnly {
            fate = Fate::Whole;
        }
        let leaf = number.wrapping_mul(options.own_per_client).wrapping_add(at);
        let der = certificates.leaf_of(leaf, &client, &key);
        run.summary.der_bytes += der.len() as u64;
        let print = Print::of(der);
        base64.clear();
        base64_simd::STANDARD.encode_append(der, base64);

        let property = property(&mut rng, key, thorough, &machine_guid);
        let friendly = rng.percent(15).then(|| *rng.pick(&["", "Gerätezertifikat", "VPN \"Außendienst\"", "mail"]));
        let by_machine = key.owner == Owner::Machine;
        let template = certificates.templates.get(key.template).map(|template| template.enrolled.as_str());
        let record = Record {
            location: if by_machine { "LocalMachine" } else { "CurrentUser" },
            store: "My",
            sid: (!by_machine).then_some(user_sid.as_str()),
            print,
            base64,
            key: (key.class != Class::NoKey).then_some(&property),
            asked: thorough.then_some([friendly, by_machine.then_some(client.fqdn.as_str()), template]),
        };
        write_certificate(&mut run, &mut rng, &record, fate)?;
        if fate == Fate::Whole {
            last = Some((print, property));
        }
    }

    let carrier = number < carriers(options);
    for at in 0..options.shared_per_client {
        let drawn = Fate::draw(&mut rng, options);
        let fate = if carrier { Fate::Whole } else { drawn };
        let Some(shared) = pool.get(shared_index(options, number, at) as usize) else { break };
        let (location, store) = shared.store(at / options.shared_pool.max(1));
        if fate != Fate::HashOnly {
            run.summary.der_bytes += shared.der.len() as u64;
        }
        let record = Record {
            location,
            store,
            sid: (location == "CurrentUser").then_some(user_sid.as_str()),
            print: shared.print,
            base64: &shared.base64,
            key: None,
            asked: thorough.then_some([None; 3]),
        };
        write_certificate(&mut run, &mut rng, &record, fate)?;
    }

    if rng.share(options.lone_keys) {
        write_lone_key(&mut run, &mut rng, &machine_guid)?;
    }
    if rng.share(options.bindings)
        && let Some((print, _)) = &last
    {
        write_binding(&mut run, &mut rng, print)?;
    }
    if rng.share(options.errors) {
        let mut object = run.begin(Kind::Error);
        object
            .text("stage", "store")
            .text("hresult", "80070005")
            .text("message_display", "Access is denied.")
            .text("path", "CurrentUser\\My");
        object.close();
        run.finish()?;
    }
    if rng.share(options.missing_end) {
        run.summary.without_end += 1;
    } else {
        write_end(&mut run, &mut rng)?;
    }
    Ok(run.summary)
}

fn write_header<W: Write>(
    run: &mut Run<'_, W>,
    rng: &mut Rng,
    client: &Client,
    number: u64,
    machine_guid: &str,
    user_sid: &str,
) -> io::Result<()> {
    let smbios = uuid(rng);
    let collected = COLLECTION_START + (number % 14) as i64 * DAY + rng.below(10 * 3600) as i64;
    let (caption, build, ubr) = *rng.pick(&[
        ("Microsoft Windows 11 Enterprise", 26_100, 7_019),
        ("Microsoft Windows 11 Enterprise", 22_631, 6_199),
        ("Microsoft Windows 10 Enterprise LTSC", 19_044, 6_575),
    ]);
    let (caption, build, ubr) = if client.is_server {
        ("Microsoft Windows Server 2022 Standard", 20_348, 4_405)
    } else {
        (caption, build, ubr)
    };
    let (culture, oem, ansi) = *rng.pick(&[("de-DE", 850, 1252), ("en-US", 437, 1252), ("pl-PL", 852, 1250)]);
    let tpm = rng.percent(if client.is_server { 40 } else { 95 });
    let vbs = rng.percent(55);
    let over = *rng.pick(&[None, None, None, Some(0), Some(1)]);
    let roles: &[&str] = match client.is_server.then(|| rng.below(8)) {
        Some(0) => &["SMS Site System", "SMS Management Point"],
        Some(1) => &["SMS Site System", "SMS Distribution Point"],
        _ => &[],
    };

    let mut object = run.begin(Kind::Client);
    object
        .text("fqdn", &client.fqdn)
        .text("domain", names::DOMAIN)
        .text("machine_guid", machine_guid)
        .text("smbios_uuid", &smbios)
        .text("collected_utc", &Civil::from_unix(collected).rfc3339())
        .text("collector", "fabricated-census")
        .text("collector_version", "1.4.0")
        .text("ps_version", "5.1")
        .text("os_caption_display", caption)
        .text("os_version", &format!("10.0.{build}.{ubr}"))
        .text("arch", "AMD64")
        .text("ui_culture", culture)
        .number("oem_cp", oem)
        .number("ansi_cp", ansi)
        .boolean("elevated", true)
        .text("user_sid", user_sid)
        .boolean("tpm_present", tpm)
        .boolean("tpm_ready", tpm)
        .maybe_text("tpm_spec", tpm.then_some("2.0"))
        .boolean("vbs_running", vbs)
        .text("cm_client_version", "5.00.9135.1000")
        .text("cm_client_id", &format!("GUID:{}", smbios.to_ascii_uppercase()))
        .text("cm_site_code", "FAB")
        .list("cm_roles", roles)
        .maybe_number("calais_disable_capi_override", over)
        .number("ubr", ubr);
    object.close();
    run.finish()
}

/// Lists the providers: the first ones of Windows, and every other that a key of this client uses. `keys` draws the same
/// keys that the records will draw.
fn write_providers<W: Write>(run: &mut Run<'_, W>, options: &Options, mut keys: Rng) -> io::Result<()> {
    let mut listed = [false; PROVIDERS.len()];
    listed[..BUILT_IN.min(options.providers_per_client)].fill(true);
    for _ in 0..options.own_per_client {
        let key = Key::draw(&mut keys, &options.weights);
        listed[key.provider] |= key.class != Class::NoKey;
    }
    for (provider, _) in PROVIDERS.iter().zip(listed).filter(|(_, listed)| *listed) {
        let mut object = run.begin(Kind::Provider);
        object
            .text("name", provider.name)
            .text("api", provider.api())
            .maybe_number("prov_type", (provider.prov_type != CNG).then_some(provider.prov_type))
            .maybe_number("impl_flags", provider.impl_flags)
            .text("impl_api", provider.impl_api())
            // NTE_NOT_SUPPORTED where the provider does not answer.
            .text("impl_status", if provider.impl_flags.is_some() { "00000000" } else { "80090029" })
            .text("image", &format!("C:\\Windows\\System32\\{}", provider.image));
        object.close();
        run.finish()?;
    }
    Ok(())
}

fn write_lone_key<W: Write>(run: &mut Run<'_, W>, rng: &mut Rng, machine_guid: &str) -> io::Result<()> {
    let provider = &PROVIDERS[rng.below(2) as usize];
    let unique_name = format!("{}_{machine_guid}", hex_text::<16>(rng));
    let (name, spki_sha1) = (format!("tp-{}", uuid(rng)), hex_text::<20>(rng));
    let modified = COLLECTION_START - rng.below(900 * DAY as u64) as i64;
    let mut object = run.begin(Kind::Key);
    object
        .text("provider", provider.name)
        .text("api", provider.api())
        .text("unique_name", &unique_name)
        .text("name", &name)
        .boolean("machine_key", true)
        .text("spki_sha1", &spki_sha1)
        .text("algorithm", "RSA")
        .number("key_bits", 2048)
        .number("export_policy", 0)
        .text("modified_utc", &Civil::from_unix(modified).rfc3339());
    object.close();
    run.finish()
}

fn write_binding<W: Write>(run: &mut Run<'_, W>, rng: &mut Rng, print: &Print) -> io::Result<()> {
    let (kind, port) = *rng.pick(&[("http.sys", 443), ("iis", 443), ("rdp", 3389), ("winrm", 5986)]);
    let app_id = uuid(rng);
    let mut object = run.begin(Kind::Binding);
    object
        .text("kind", kind)
        .text("endpoint", &format!("0.0.0.0:{port}"))
        .text("ip", "0.0.0.0")
        .number("port", port)
        .null("sni_host")
        .plain("sha1", &print.sha1)
        .text("store", "My")
        .text("app_id", &app_id)
        .maybe_text("site_name", (kind == "iis").then_some("Default Web Site"))
        .number("ssl_flags", 0);
    object.close();
    run.finish()
}

fn write_end<W: Write>(run: &mut Run<'_, W>, rng: &mut Rng) -> io::Result<()> {
    let counts = COUNTED.map(|kind| (kind, run.count(kind)));
    let duration = 900 + rng.below(9_000);
    let mut object = run.begin(Kind::End);
    object.object("counts", |o| {
        for (kind, count) in counts.iter().filter(|(_, count)| *count > 0) {
            o.number(kind.as_str(), *count);
        }
    });
    object.number("duration_ms", duration);
    object.close();
    run.finish()
}
