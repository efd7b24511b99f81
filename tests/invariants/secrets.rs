//! Invariant 6: no private key, password, PIN or provider parameter in any output.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::support::{Bench, samples};

/// Each is searched for whole and by its first eight characters: samples of rejects are cut.
const PIN: &str = "pin48151623";
const PASSWORD: &str = "hunter2-correct-horse";
const KEY_TEXT: &str = "Qx7ZQx7ZKEYMATERIALTHATISMADEUPQx7ZQx7Z";

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Whether a secret is there, as it is or as UTF-16.
fn leaks(bytes: &[u8]) -> Option<&'static str> {
    let lower = bytes.to_ascii_lowercase();
    [PIN, PASSWORD, KEY_TEXT].into_iter().find(|secret| {
        let start = secret[..8].to_ascii_lowercase();
        let wide: Vec<u8> = start.encode_utf16().flat_map(u16::to_le_bytes).collect();
        contains(&lower, start.as_bytes()) || contains(&lower, &wide)
    })
}

fn assert_silent(out: &Output, what: &str) {
    assert_eq!(leaks(&out.stdout), None, "{what}: {}", String::from_utf8_lossy(&out.stdout));
    assert_eq!(leaks(&out.stderr), None, "{what}: {}", String::from_utf8_lossy(&out.stderr));
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

/// Scans and inspects everything below `in`, and searches whatever comes out of it.
fn assert_nothing_leaks(bench: &Bench, least_records: usize) {
    let files = files_below(&bench.path("in"));
    assert!(files.iter().all(|file| leaks(&fs::read(file).unwrap()).is_some()), "every input holds a secret");
    assert_silent(&bench.run(&["scan", "in", "-o", "report", "--compression", "none", "-v"]), "scan -v");
    assert_silent(&bench.run(&["scan", "in", "-o", "json", "--json"]), "scan --json");
    assert_silent(&bench.run(&["scan", "in", "--dry-run"]), "scan --dry-run");
    let reports = [files_below(&bench.path("report")), files_below(&bench.path("json"))].concat();
    assert!(reports.len() >= 14);
    for file in reports.iter().filter(|file| file.starts_with(bench.path("report")) || file.ends_with("manifest.json"))
    {
        assert_eq!(leaks(&fs::read(file).unwrap()), None, "{}", file.display());
    }
    for file in files {
        assert_silent(&bench.run(&["inspect", file.to_str().unwrap(), "--color", "always"]), file.to_str().unwrap());
    }
    let report = crate::support::Report { path: bench.path("report") };
    let records: u64 = report.rows("sources").iter().map(|source| source["records"].as_u64().unwrap()).sum();
    assert!(records as usize >= least_records, "the files are read: {records} records");
}

/// A fabricated PKCS#8 key: the frame is right, the key is text.
fn private_key() -> Vec<u8> {
    let octets = [&[0x04, KEY_TEXT.len() as u8][..], KEY_TEXT.as_bytes()].concat();
    let algorithm = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let content = [&[0x02, 0x01, 0x00][..], &algorithm, &octets].concat();
    [&[0x30, content.len() as u8][..], &content].concat()
}

#[test]
fn private_keys_in_exports_are_counted_and_never_shown() {
    let bench = Bench::new();
    let certificate = String::from_utf8(fs::read(samples().join("pem/bundle.pem")).unwrap()).unwrap();
    let key = KEY_TEXT;
    let block = |label: &str, inner: &str| format!("-----BEGIN {label}-----\n{inner}\n-----END {label}-----\n");
    let encrypted = format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{key}{key}");
    for (name, text) in [
        ("key.pem", format!("{certificate}{}", block("PRIVATE KEY", key))),
        ("rsa.pem", format!("{}{certificate}", block("RSA PRIVATE KEY", &encrypted))),
        ("mislabelled.pem", format!("{certificate}{}", block("CERTIFICATE", key))),
        ("headers.pem", format!("{certificate}{}", block("CERTIFICATE", &format!("localKeyID: {key}\n\n!{key}!")))),
        ("no-end.pem", format!("{certificate}-----BEGIN PRIVATE KEY-----\n{key}\n")),
        ("no-begin.pem", format!("{certificate}\n{key}\n-----END PRIVATE KEY-----\n{}", block("EC PRIVATE KEY", key))),
        ("cut.pem", format!("-----BEGIN PRIVATE KEY-----\n{key}\n{certificate}")),
        ("attributes.pem", format!("Bag Attributes\n    friendlyName: x\nPassword: {PASSWORD}\n{certificate}")),
    ] {
        bench.put(&format!("in/{name}"), text);
    }
    bench.put("in/key.der", private_key());
    let in_json = base64_simd::STANDARD.encode_to_string(private_key());
    let line = format!("{{\"RawData\":\"{in_json}\",\"Thumbprint\":\"12\",\"Note\":\"{key}\"}}\n");
    bench.put("in/key.ndjson", line.repeat(2));
    assert_nothing_leaks(&bench, 20);
}

/// One record of a serialized store: id, encoding 1, length, value (MS-GPEF 2.2.1.1.1).
fn record(id: u32, value: &[u8]) -> Vec<u8> {
    let header: Vec<u8> = [id, 1, value.len() as u32].iter().flat_map(|field| field.to_le_bytes()).collect();
    [&header[..], value].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// `CRYPT_KEY_PROV_INFO` with one parameter whose data is the PIN, and a container name at `container` bytes past it.
fn key_prov_info(container: Option<u32>) -> Vec<u8> {
    const PP_KEYEXCHANGE_PIN: u32 = 32;
    let (pin, provider, name) = (wide(PIN), wide("Microsoft Base Smart Card Crypto Provider"), wide("container"));
    let data_at = 28 + 16;
    let provider_at = data_at + pin.len() as u32;
    let name_at = provider_at + provider.len() as u32;
    let fixed = [container.unwrap_or(name_at), provider_at, 1, 0, 1, 28, 1];
    let parameter = [PP_KEYEXCHANGE_PIN, data_at, pin.len() as u32, 0];
    let numbers: Vec<u8> = fixed.into_iter().chain(parameter).flat_map(u32::to_le_bytes).collect();
    [numbers, pin, provider, name].concat()
}

#[test]
fn provider_parameters_and_unknown_properties_are_never_shown() {
    let bench = Bench::new();
    let certificate = fs::read(samples().join("certificate_der/rsa-leaf.cer")).unwrap();
    let element = |info: Vec<u8>, more: &[Vec<u8>]| {
        [vec![record(2, &info)], more.to_vec(), vec![record(32, &certificate)]].concat().concat()
    };
    let plain = element(key_prov_info(None), &[]);
    // Offsets that lead into the parameter: its array, its data, the middle of its data.
    let crooked: Vec<u8> =
        [28, 40, 44, 45, 48].into_iter().flat_map(|at| element(key_prov_info(Some(at)), &[])).collect();
    // A damaged value, and properties of which only id and length are ever shown: handles, smart card data, unknown.
    let others = [1, 5, 16, 78, 99, 0x9000].map(|id| record(id, &wide(PIN)));
    let cut = element(key_prov_info(None)[..60].to_vec(), &others);
    let store = |elements: &[u8]| [b"\0\0\0\0CERT", elements, &[0; 12]].concat();
    bench.put("in/plain.sst", store(&plain));
    bench.put("in/crooked.sst", store(&crooked));
    bench.put("in/cut.sst", store(&cut));
    bench.put("in/element.bin", &plain);
    let truncated = store(&plain);
    bench.put("in/truncated.sst", &truncated[..truncated.len() - 700]);
    assert_nothing_leaks(&bench, 8);
    let report = crate::support::Report { path: bench.path("report") };
    let containers = report.rows("observations").into_iter().filter(|row| row.contains_key("key_container")).count();
    assert_eq!(containers, 2, "the rest of the property is read");
}

#[test]
fn passwords_and_pins_in_lines_are_never_shown_not_even_of_broken_ones() {
    let bench = Bench::new();
    let thumbprint = "00112233445566778899aabbccddeeff00112233";
    let names = [
        "Password",
        "password",
        "PASSWD",
        "PfxPassword",
        "Passphrase",
        "Passwort",
        "Kennwort",
        "Pwd",
        "Pin",
        "PIN",
        "CardPin",
        "pin_code",
        "UserPIN",
        "Secret",
        "clientSecret",
        "PrivateKey",
        "private_key",
        "Credential",
        "\\u0050assword",
    ];
    let mut flat = format!("{{\"Thumbprint\":\"{thumbprint}\"}}\n");
    let mut census =
        String::from("{\"schema\":\"census/1\",\"type\":\"client\",\"run\":\"r\",\"seq\":0,\"host\":\"H\"}\n");
    for (name, secret) in names.into_iter().flat_map(|name| [(name, PASSWORD), (name, PIN)]) {
        // Whole, without a certificate, cut, and with a value of the wrong type.
        flat += &format!("{{\"Thumbprint\":\"{thumbprint}\",\"{name}\":\"{secret}\"}}\n");
        flat += &format!("{{\"{name}\":\"{secret}\",\"Subject\":\"CN=x\"}}\n");
        flat += &format!("{{\"{name}\":\"{secret}\",\"Thumbpri\n");
        flat += &format!("{{\"{name}\":\"{secret}\",\"Thumbprint\":\"12\",\"ProviderType\":\"x\"}}\n");
        flat += &format!("{name}={secret}\n");
        census +=
            &format!("{{\"{name}\":\"{secret}\",\"schema\":\"census/1\",\"type\":\"certificate\",\"run\":\"r\"}}\n");
        census += &format!("{{\"{name}\":\"{secret}\",\"schema\":\"census/1\",\"type\":\"odd\"\n");
        census += &format!("{{\"{name}\":\"{secret}\"}}\n");
    }
    bench.put("in/flat.ndjson", &flat);
    bench.put("in/census.ndjson", &census);
    let utf16: Vec<u8> = format!("\u{feff}{flat}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    bench.put("in/flat-utf16.ndjson", utf16);
    assert_nothing_leaks(&bench, 300);
}
