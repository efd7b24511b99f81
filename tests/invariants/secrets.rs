//! Invariant 6: no private key, password, PIN or provider parameter in any output.

use std::collections::BTreeSet;
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

/// The private numbers in `bytes`, at any depth, in strings too: those of RSA (RFC 8017 A.1.2), EC (RFC 5915), DSA and
/// Ed25519 keys (RFC 8410 section 7).
fn private_numbers(bytes: &[u8], found: &mut Vec<Vec<u8>>) {
    let mut rest = bytes;
    while let Some(value) = certcensus::der::read(rest) {
        let items: Vec<_> = certcensus::der::Items::new(value.content).collect();
        let numbers = items.iter().take_while(|item| item.tag == 0x02).count();
        match (value.tag, numbers, &items[..]) {
            (0x30, 9, _) => found.extend(items[3..].iter().map(|item| item.content.to_vec())),
            (0x30, 6, _) => found.push(items[5].content.to_vec()),
            (0x30, 1, [version, key, ..]) if version.content == [1] && key.tag == 0x04 => {
                found.push(key.content.to_vec())
            }
            (0x04, 0, [key]) if key.tag == 0x04 && key.content.len() == 32 => found.push(key.content.to_vec()),
            (0x04, 1, [number]) if number.content.len() > 16 => found.push(number.content.to_vec()),
            _ => {}
        }
        if value.tag & 0x20 != 0 || value.tag == 0x04 {
            private_numbers(value.content, found);
        }
        rest = &rest[value.total..];
    }
}

/// The seed in an OpenSSH key of Ed25519 without password, before the second copy of the public key (PROTOCOL.key).
fn openssh_seed(bytes: &[u8]) -> Option<Vec<u8>> {
    const BEFORE: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x20";
    let at = bytes.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let public = &bytes[at..at + 32];
    let last = bytes.windows(32).rposition(|window| window == public)?;
    bytes.starts_with(b"openssh").then(|| bytes[last - 32..last].to_vec())
}

/// `bytes` as outputs might show them: raw, hexadecimal, and base64 in its three alignments.
fn spellings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = |from: usize| base64_simd::STANDARD.encode_to_string(&bytes[from..from + 9]).into_bytes();
    let reversed = bytes.iter().rev().copied().collect();
    vec![bytes.to_vec(), reversed, hex.to_uppercase().into_bytes(), hex.into_bytes(), base64(0), base64(1), base64(2)]
}

/// Numbers of PEM text: its blocks, decoded.
fn blocks(text: &str) -> Vec<Vec<u8>> {
    let blocks =
        text.split("-----BEGIN ").skip(1).filter_map(|block| block.split_once("-----\n")?.1.split_once("-----END"));
    let decoded = blocks.filter_map(|(base64, _)| base64_simd::forgiving_decode_to_vec(base64.as_bytes()).ok());
    decoded.collect()
}

#[test]
fn keys_of_the_samples_and_their_passwords_are_in_no_output() {
    const SAMPLE_PASSWORD: &str = "grove-Sample-1";
    let bench = Bench::new();
    let mut keys = Vec::new();
    for folder in ["private_key", "pkcs12"] {
        for file in files_below(&samples().join(folder)).iter().filter(|file| !file.ends_with("expected.txt")) {
            let bytes = fs::read(file).unwrap();
            bench.put(&format!("in/{folder}/{}", file.file_name().unwrap().to_str().unwrap()), &bytes);
            // What is encrypted is no secret; what lies open is.
            if folder == "private_key" || file.ends_with("no-encryption.pfx") {
                keys.push(bytes);
            }
        }
    }
    let pem = fs::read_to_string(samples().join("pem/keys.pem")).unwrap();
    keys.extend(blocks(&pem));
    bench.put("in/keys.pem", &pem);
    bench.put("passwords", format!("wrong-Password-2\n{SAMPLE_PASSWORD}\n"));
    let mut numbers = Vec::new();
    keys.iter().for_each(|key| private_numbers(key, &mut numbers));
    numbers.extend(keys.iter().filter_map(|key| openssh_seed(key)));
    let pieces: BTreeSet<&[u8]> = numbers.iter().flat_map(|number| number.chunks_exact(12)).collect();
    assert!(numbers.len() >= 25 && pieces.len() > 60, "{} private numbers, {} pieces", numbers.len(), pieces.len());
    let secrets: BTreeSet<Vec<u8>> = pieces.iter().flat_map(|piece| spellings(piece)).collect();
    // A search for thousands of needles: by their first eight bytes.
    let starts: std::collections::HashSet<&[u8]> = secrets.iter().map(|secret| &secret[..8]).collect();
    let find = |bytes: &[u8]| bytes.windows(8).position(|window| starts.contains(window));
    let plain = keys.iter().filter(|key| find(key).is_some()).count();
    assert!(plain >= 12, "the search finds the keys where they are: {plain}");
    let check = |what: &str, bytes: &[u8]| {
        assert_eq!(find(bytes), None, "{what} holds a piece of a private key");
        let wide: Vec<u8> = SAMPLE_PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for password in [SAMPLE_PASSWORD.as_bytes(), b"wrong-Password-2", &wide] {
            assert!(!contains(bytes, password), "{what} holds a password");
        }
    };
    for (report, more) in [("closed", &[][..]), ("open", &["--passwords", "passwords"][..])] {
        let args = [&["scan", "in", "-o", report, "--compression", "none", "-v", "--json"], more].concat();
        let out = bench.run(&args);
        check("stdout", &out.stdout);
        check("stderr", &out.stderr);
        for file in files_below(&bench.path(report)) {
            check(file.to_str().unwrap(), &fs::read(&file).unwrap());
        }
        for file in files_below(&bench.path("in")) {
            let args = [&["inspect", file.to_str().unwrap(), "--color", "always"], more].concat();
            let out = bench.run(&args);
            check(file.to_str().unwrap(), &[out.stdout, out.stderr].concat());
        }
    }
    let report = crate::support::Report { path: bench.path("open") };
    assert!(report.rows("findings").len() >= 19, "the keys were read");
    assert!(report.rows("sources").iter().all(|source| source["status"] != "locked"), "the password was used");
}
