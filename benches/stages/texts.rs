//! Text exports of the same synthetic certificates, as administrators' tools print them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certcensus::hex;
use sha1::{Digest, Sha1};

/// A sample of `samples` as text, what stands between `begin` and the last `end` in it (to the end, where that is empty) so
/// many times.
pub fn repeated(sample: &str, begin: &str, end: &str, times: u64) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(sample);
    let bytes = std::fs::read(path).expect("the sample can be read");
    let text = match bytes.strip_prefix(b"\xff\xfe") {
        Some(utf16) => {
            let units = utf16.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
            String::from_utf16(&units.collect::<Vec<_>>())
        }
        None => Ok(String::from_utf8(bytes).expect("the sample is UTF-8")),
    }
    .expect("the sample is UTF-16");
    let (head, rest) = text.split_at(text.find(begin).expect("it begins"));
    let (body, tail) = rest.split_at(if end.is_empty() { rest.len() } else { rest.rfind(end).expect("it ends") });
    [head, &body.repeat(times as usize), tail].concat().into_bytes()
}

/// The CNG provider that most keys have.
const PROVIDER: &str = "Microsoft Software Key Storage Provider";

/// `certutil -store My`: a block a certificate.
pub fn certutil_store(certificates: &[Vec<u8>]) -> Vec<u8> {
    certutil(certificates, |_, _| {})
}

/// `certutil -v -store My`: the same with key, signature and extensions as hex, and every property.
pub fn certutil_verbose(certificates: &[Vec<u8>]) -> Vec<u8> {
    certutil(certificates, |text, der| {
        text.push_str("X509 Certificate:\r\nVersion: 3\r\nPublic Key: UnusedBits = 0\r\n");
        dump(text, &der[..der.len() / 3]);
        text.push_str("Certificate Extensions: 3\r\n    2.5.29.15: Flags = 1(Critical), Length = 4\r\n");
        text.push_str("Signature: UnusedBits=0\r\n");
        dump(text, &der[der.len() / 3..2 * der.len() / 3]);
    })
}

fn certutil(certificates: &[Vec<u8>], more: impl Fn(&mut String, &[u8])) -> Vec<u8> {
    let mut text = String::from("My \"Personal\"\r\n");
    for (number, der) in certificates.iter().enumerate() {
        let hash = hex::text(&Sha1::digest(der));
        let _ = write!(text, "================ Certificate {number} ================\r\n");
        more(&mut text, der);
        let _ = write!(
            text,
            "Serial Number: {}\r\nIssuer: CN=Bench Issuing CA 1, O=Bench, C=CH\r\n NotBefore: 1/2/2026 3:04 PM\r\n \
             NotAfter: 1/2/2027 3:04 PM\r\nSubject: CN=pc-{number:05}.bench.test\r\nNon-root Certificate\r\nTemplate: \
             Machine, Computer\r\nCert Hash(sha1): {hash}\r\n  Key Container = te-Machine-{}\r\n  Unique container name: \
             {}_a1b2c3d4-0000-4000-8000-00000000000f\r\n  Provider = {PROVIDER}\r\nPrivate key is NOT \
             exportable\r\nEncryption test passed\r\n\r\n",
            &hash[..32],
            &hash[..36],
            &hash[..32],
        );
    }
    text.push_str("CertUtil: -store command completed successfully.\r\n");
    text.into_bytes()
}

/// A hex dump as certutil prints it: 16 bytes a line.
fn dump(text: &mut String, bytes: &[u8]) {
    for (line, bytes) in bytes.chunks(16).enumerate() {
        let _ = write!(text, "    {:04x} ", 16 * line);
        bytes.iter().for_each(|byte| {
            let _ = write!(text, " {byte:02x}");
        });
        text.push_str("\r\n");
    }
}

/// `ConvertTo-Json` of Windows PowerShell 5.1: an array of certificate objects, bytes as arrays of numbers.
pub fn powershell_json(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut text = String::from("[\r\n");
    for (number, der) in certificates.iter().enumerate() {
        let bytes: Vec<String> = der.iter().map(|byte| format!("                        {byte}")).collect();
        let _ = write!(
            text,
            "    {{\r\n        \"FriendlyName\":  \"\",\r\n        \"HasPrivateKey\":  true,\r\n        \"NotAfter\":  \
             \"\\/Date(1798902240000)\\/\",\r\n        \"NotBefore\":  \"\\/Date(1767366240000)\\/\",\r\n        \
             \"RawData\":  [\r\n{}\r\n                    ],\r\n        \"SerialNumber\":  \"{number:032X}\",\r\n        \
             \"Thumbprint\":  \"{}\",\r\n        \"PSParentPath\":  \
             \"Microsoft.PowerShell.Security\\\\Certificate::LocalMachine\\\\My\",\r\n        \"PSComputerName\":  \
             \"PC-{:05}\"\r\n    }}{}\r\n",
            bytes.join(",\r\n"),
            hex::text(&Sha1::digest(der)).to_uppercase(),
            number / 100,
            if number + 1 < certificates.len() { "," } else { "" },
        );
    }
    text.push_str("]\r\n");
    text.into_bytes()
}

/// `certutil -view`: rows with the request and the certificate as PEM, and the block of attributes.
pub fn adcs_rows(certificates: &[Vec<u8>], request: &[u8]) -> Vec<u8> {
    const COLUMNS: [(&str, &str, &str); 8] = [
        ("Request.RequestID", "Request ID", "Long    4 -- Indexed"),
        ("Request.RawRequest", "Binary Request", "Binary  65536"),
        ("Request.RequesterName", "Requester Name", "String  2048 -- Indexed"),
        ("Request.Disposition", "Request Disposition", "Long    4"),
        ("RequestID", "Issued Request ID", "Long    4 -- Indexed"),
        ("RawCertificate", "Binary Certificate", "Binary  16384"),
        ("CertificateHash", "Certificate Hash", "String  128 -- Indexed"),
        ("CertificateTemplate", "Certificate Template", "String  254 -- Indexed"),
    ];
    let mut text =
        String::from("Schema:\r\n  Column Name                   Localized Name                Type    MaxLength\r\n");
    text.push_str("  ----------------------------  ----------------------------  ------  ---------\r\n");
    for (name, label, kind) in COLUMNS {
        let _ = write!(text, "  {name:<28}  {label:<28}  {kind}\r\n");
    }
    let pem = |label: &str, der: &[u8]| {
        let base64 = BASE64_STANDARD.encode(der);
        let lines = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned());
        format!("-----BEGIN {label}-----\r\n{}\r\n-----END {label}-----\r\n", lines.collect::<Vec<_>>().join("\r\n"))
    };
    let request = pem("NEW CERTIFICATE REQUEST", request);
    for (number, der) in certificates.iter().enumerate() {
        let hash = hex::text(&Sha1::digest(der));
        let spaced: Vec<&str> = (0..20).map(|at| &hash[2 * at..2 * at + 2]).collect();
        let id = number + 2;
        let _ = write!(
            text,
            "\r\nRow {}:\r\n  Request ID: 0x{id:x} ({id})\r\n  Binary Request:\r\n{request}\r\n  Requester Name: \
             \"BENCH\\PC-{number:05}$\"\r\n  Request Disposition: 0x14 (20) -- Issued\r\n  Issued Request ID: 0x{id:x} \
             ({id})\r\n  Binary Certificate:\r\n{}\r\n  Certificate Hash: \"{}\"\r\n  Certificate Template: \
             \"Machine\"\r\n\r\n  Request Attributes:\r\n    RequestOSVersion: \"10.0.20348.2\"\r\n    RequestCSPProvider: \
             \"{PROVIDER}\"\r\n    ccm: \"pc-{number:05}.bench.test\"\r\n",
            number + 1,
            pem("CERTIFICATE", der),
            spaced.join(" "),
        );
    }
    let rows = certificates.len();
    let _ = write!(
        text,
        "\r\nMaximum Row Index: {rows}\r\n\r\n{rows} Rows\r\n   {} Row Properties, Total Size = 100, Max Size = 100, Ave Size = \
         100\r\n   {} Request Attributes, Total Size = 100, Max Size = 100, Ave Size = 100\r\n   0 Certificate \
         Extensions, Total Size = 0, Max Size = 0, Ave Size = 0\r\n   {} Total Fields, Total Size = 100, Max Size = 100, \
         Ave Size = 100\r\nCertUtil: -view command completed successfully.\r\n",
        8 * rows,
        3 * rows,
        11 * rows,
    );
    text.into_bytes()
}
