//! Writers of small archives for tests, which can write what no program would.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::io::Write;

/// One member of a zip archive.
#[derive(Clone, Default)]
pub struct Zipped {
    pub name: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub packed: Vec<u8>,
    pub size: u64,
    pub crc: u32,
    /// Says its sizes and offset in the ZIP64 field.
    pub is_64: bool,
    /// Says its sizes behind its data, and 0 before it.
    pub is_behind: bool,
}

/// A member that is stored as it is.
pub fn stored(name: &str, content: &[u8]) -> Zipped {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    Zipped {
        name: name.into(),
        flags: 1 << 11,
        packed: content.to_vec(),
        size: content.len() as u64,
        crc: crc.sum(),
        ..Zipped::default()
    }
}

/// A deflated member.
pub fn deflated(name: &str, content: &[u8]) -> Zipped {
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(content).unwrap();
    Zipped { method: 8, packed: out.finish().unwrap(), ..stored(name, content) }
}

fn sizes64(z: &Zipped, offset: u64) -> Vec<u8> {
    let mut field = vec![1, 0, 24, 0];
    [z.size, z.packed.len() as u64, offset].iter().for_each(|n| field.extend(n.to_le_bytes()));
    if z.is_64 { field } else { vec![] }
}

/// A zip archive.
pub fn zip(members: &[Zipped]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let is_64 = members.iter().any(|z| z.is_64);
    for z in members {
        let offset = out.len() as u64;
        let extra = sizes64(z, offset);
        let narrow = |n: u64| if z.is_64 { u32::MAX } else { n as u32 };
        let (packed, size) = (narrow(z.packed.len() as u64), narrow(z.size));
        let (name, flags) = (z.name.len() as u16, z.flags | if z.is_behind { 8 } else { 0 });
        let [before_crc, before_packed, before_size] = if z.is_behind { [0; 3] } else { [z.crc, packed, size] };
        out.extend(b"PK\x03\x04");
        [45, flags, z.method, 0, 0].iter().for_each(|n: &u16| out.extend(n.to_le_bytes()));
        [before_crc, before_packed, before_size].iter().for_each(|n| out.extend(n.to_le_bytes()));
        [name, extra.len() as u16].iter().for_each(|n| out.extend(n.to_le_bytes()));
        out.extend([&z.name[..], &extra, &z.packed].concat());
        if z.is_behind {
            out.extend(b"PK\x07\x08");
            [z.crc, packed, size].iter().for_each(|n| out.extend(n.to_le_bytes()));
        }
        directory.extend(b"PK\x01\x02");
        [45, 45, flags, z.method, 0, 0].iter().for_each(|n: &u16| directory.extend(n.to_le_bytes()));
        [z.crc, packed, size].iter().for_each(|n| directory.extend(n.to_le_bytes()));
        [name, extra.len() as u16, 0, 0, 0, 0, 0].iter().for_each(|n| directory.extend(n.to_le_bytes()));
        directory.extend(narrow(offset).to_le_bytes());
        directory.extend([&z.name[..], &extra].concat());
    }
    let (start, count) = (out.len() as u64, members.len() as u64);
    out.extend(&directory);
    let end = out.len() as u64;
    if is_64 {
        out.extend(b"PK\x06\x06");
        out.extend(44u64.to_le_bytes());
        [45u16, 45].iter().for_each(|n| out.extend(n.to_le_bytes()));
        out.extend([0; 8]);
        [count, count, end - start, start].iter().for_each(|n| out.extend(n.to_le_bytes()));
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(end.to_le_bytes());
        out.extend(1u32.to_le_bytes());
    }
    out.extend(b"PK\x05\x06\0\0\0\0");
    let short = if is_64 { u16::MAX } else { count as u16 };
    [short, short].iter().for_each(|n| out.extend(n.to_le_bytes()));
    let narrow = |n: u64| if is_64 { u32::MAX } else { n as u32 };
    [narrow(end - start), narrow(start)].iter().for_each(|n| out.extend(n.to_le_bytes()));
    out.extend([0, 0]);
    out
}

/// One header of a tar archive, with a name of at most 100 bytes.
pub fn tar_header(name: &[u8], kind: u8, size: u64) -> [u8; 512] {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name);
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    sign(&mut header);
    header
}

/// Puts the checksum into a header.
pub fn sign(header: &mut [u8; 512]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A member of a tar archive, filled up to whole blocks.
pub fn tarred(name: &str, content: &[u8]) -> Vec<u8> {
    let mut out = tar_header(name.as_bytes(), b'0', content.len() as u64).to_vec();
    out.extend(content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// A tar archive of these files.
pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out: Vec<u8> = members.iter().flat_map(|(name, content)| tarred(name, content)).collect();
    out.extend([0; 1024]);
    out
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

pub fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

pub fn xz(content: &[u8]) -> Vec<u8> {
    let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
    out.write_all(content).unwrap();
    out.finish().unwrap()
}
