//! The same synthetic certificates in every other format that is read.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certcensus::hex;
use certcensus::synth::Certificates;
use sha1::{Digest, Sha1};

use crate::fleet;

/// Property ids of a serialized element (wincrypt.h: CERT_KEY_PROV_INFO, CERT_SHA1_HASH, CERT_CERT).
const KEY_PROV_INFO: u32 = 2;
const SHA1_HASH: u32 = 3;
const CERTIFICATE: u32 = 32;
/// The CNG provider that most keys have.
const PROVIDER: &str = "Microsoft Software Key Storage Provider";

/// DER of the first `count` leaves.
pub fn leaves(count: u64) -> Vec<Vec<u8>> {
    let mut certificates = Certificates::new(fleet::SEED);
    (0..count).map(|number| certificates.leaf(number).to_vec()).collect()
}

/// Lines as a script writes them, one a certificate.
pub fn flat_ndjson(certificates: &[Vec<u8>]) -> Vec<u8> {
    let line = |(number, der): (usize, &Vec<u8>)| {
        let line = serde_json::json!({
            "ComputerName": format!("PC-{:05}", number / 100),
            "StoreLocation": "LocalMachine",
            "StoreName": "My",
            "Thumbprint": hex::text(&Sha1::digest(der)).to_uppercase(),
            "HasPrivateKey": true,
            "ProviderName": PROVIDER,
            "ProviderType": 0,
            "KeyContainer": format!("te-Machine-{number:032x}"),
            "RawData": BASE64_STANDARD.encode(der),
        });
        format!("{line}\n")
    };
    certificates.iter().enumerate().map(line).collect::<String>().into_bytes()
}

/// A bundle of PEM blocks (RFC 7468), 64 characters a line.
pub fn pem(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut text = Vec::new();
    for der in certificates {
        text.extend_from_slice(b"-----BEGIN CERTIFICATE-----\n");
        for line in BASE64_STANDARD.encode(der).as_bytes().chunks(64) {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        text.extend_from_slice(b"-----END CERTIFICATE-----\n");
    }
    text
}

/// SignedData with certificates alone (RFC 5652 section 5).
pub fn pkcs7(certificates: &[Vec<u8>]) -> Vec<u8> {
    // 1.2.840.113549.1.7.1 (data) and .2 (signedData).
    let oid = |last: u8| [&[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7][..], &[last]].concat();
    let version = [0x02, 1, 1];
    let (digests, signers) = (der(0x31, &[]), der(0x31, &[]));
    let listed = der(0xa0, &certificates.concat());
    let signed = der(0x30, &[&version[..], &digests, &der(0x30, &oid(1)), &listed, &signers].concat());
    der(0x30, &[oid(2), der(0xa0, &signed)].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut length = content.len().to_be_bytes().to_vec();
    length.drain(..length.iter().take_while(|byte| **byte == 0).count());
    let mut out = vec![tag];
    match content.len() {
        short @ 0..0x80 => out.push(short as u8),
        _ => {
            out.push(0x80 | length.len() as u8);
            out.extend_from_slice(&length);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A serialized store (MS-OSHARED 2.3.2.5).
pub fn sst(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut store = b"\0\0\0\0CERT".to_vec();
    certificates.iter().for_each(|der| store.extend(element(der)));
    store.extend_from_slice(&[0; 12]);
    store
}

/// A serialized element with a CNG key (MS-GPEF 2.2.1.1.1).
pub fn element(der: &[u8]) -> Vec<u8> {
    let sha1 = Sha1::digest(der);
    let record = |id: u32, value: &[u8]| {
        let header = [id, 1, value.len() as u32].map(u32::to_le_bytes).concat();
        [&header[..], value].concat()
    };
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect() };
    let (container, provider) = (wide(&format!("te-Machine-{}", hex::text(&sha1[..16]))), wide(PROVIDER));
    // Offsets of both strings, type, flags (machine key), no parameters, key spec.
    let fixed = [28, 28 + container.len() as u32, 0, 0x20, 0, 0, 0].map(u32::to_le_bytes).concat();
    let info = [fixed, container, provider].concat();
    [record(KEY_PROV_INFO, &info), record(SHA1_HASH, &sha1), record(CERTIFICATE, der)].concat()
}

/// A machine's `My` store as regedit exports it, version 5: UTF-16LE, 25 bytes of a value a line.
pub fn reg_text(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut text = String::from("\u{feff}Windows Registry Editor Version 5.00\r\n\r\n");
    for der in certificates {
        let name = hex::text(&Sha1::digest(der)).to_uppercase();
        text += &format!("[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SystemCertificates\\MY\\Certificates\\{name}]\r\n");
        let bytes: Vec<String> = element(der).iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<String> = bytes.chunks(25).map(|line| line.join(",")).collect();
        text += &format!("\"Blob\"=hex:{}\r\n\r\n", lines.join(",\\\r\n  "));
    }
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
