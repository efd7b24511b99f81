//! The first step: what can be said of a public key whoever has it.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;

use arrow::array::AsArray;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::error::Error;
use crate::hex;
use crate::record::Text;
use crate::report::Certificates;

use super::Aliases;
use super::note::{self, Attached, Class, Enrolment, Head, Said, Word};
use super::parts::{Parts, Taken, part_of};

/// Most words of others kept for one public key, each different from the others: a key has one or two enrolments.
const MAX_WORDS: usize = 64;
/// Longest word that is kept, in bytes; Windows limits names of providers to 260 characters.
const MAX_WORD: usize = 1024;
/// Rows of `certificates` looked at together.
const BATCH_ROWS: usize = 32 * 1024;

/// The part of a public key.
pub fn part(spki_sha256: &[u8; 32]) -> usize {
    let (first, _) = spki_sha256.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    part_of(u64::from_le_bytes(*first))
}

/// Finds the public keys of enrolments that name a certificate, or the key's own hash, and puts them with the others.
/// Enrolments of keys that no certificate of the scan has are of no use here; they stand in `requests`.
pub fn name(nameless: &[Vec<u8>], certificates: &Certificates, by_key: &mut Parts) -> Result<(), Error> {
    let mut wanted: HashMap<Vec<u8>, Vec<&[u8]>> = HashMap::new();
    for (_, body, _) in nameless.iter().flat_map(|bytes| note::all(bytes)) {
        let Ok(enrolment) = postcard::from_bytes::<Enrolment<'_>>(body) else { continue };
        let key = enrolment.public_key_sha1.map(|hash| [b"k", &hash[..]].concat());
        let by_sha256 = enrolment.sha256.map(|hash| [b"s", &hash[..]].concat());
        let by_sha1 = enrolment.sha1.map(|hash| [b"t", &hash[..]].concat());
        if let Some(name) = key.or(by_sha256).or(by_sha1) {
            wanted.entry(name).or_default().push(body);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    for file in &certificates.files {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file).map_err(Error::io(file))?)?;
        let hashes = ["sha256", "thumbprint", "spki_sha256", "public_key_sha1"];
        let mask = ProjectionMask::columns(builder.parquet_schema(), hashes);
        for rows in builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()? {
            let rows = rows?;
            let text = |column: usize| rows.column(column).as_string::<i32>();
            let (sha256, sha1, spki, key) = (text(0), text(1), text(2), text(3));
            for row in 0..rows.num_rows() {
                let Some(spki) = hex::parse::<32>(spki.value(row)) else { continue };
                let names = [
                    hex::parse::<20>(key.value(row)).map(|hash| [b"k", &hash[..]].concat()),
                    hex::parse::<32>(sha256.value(row)).map(|hash| [b"s", &hash[..]].concat()),
                    hex::parse::<20>(sha1.value(row)).map(|hash| [b"t", &hash[..]].concat()),
                ];
                for name in names.into_iter().flatten() {
                    // One certificate is enough: the same key in others is the same key.
                    for body in wanted.remove(&name).into_iter().flatten() {
                        let mut note = Vec::new();
                        let head = Head { spki_sha256: Some(spki), ..Head::of_client(Class::Attached, None) };
                        head.write(&mut note, |out| out.extend_from_slice(body));
                        by_key.push(part(&spki), note)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Joins one part: for each public key of which there is something to say a note, with every part that has a key of it.
pub fn join(taken: Taken, aliases: &Aliases<'_>) -> Result<Vec<(usize, Vec<u8>)>, Error> {
    let bytes = taken.read()?;
    let all = || bytes.iter().flat_map(|bytes| note::all(bytes));
    // Most keys are on one client, and nobody speaks of them: what is left of those keys is soon seen.
    let mut first_bytes: Vec<u64> = Vec::new();
    let mut spoken_of = Vec::new();
    for (head, body, _) in all() {
        first_bytes.push(first(&head));
        if head.class == Class::Attached || !body.is_empty() {
            spoken_of.push(first(&head));
        }
    }
    first_bytes.sort_unstable();
    spoken_of.extend(first_bytes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]));
    spoken_of.sort_unstable();
    let mut notes: Vec<(Head<'_>, &[u8])> = all()
        .filter(|(head, ..)| spoken_of.binary_search(&first(head)).is_ok())
        .map(|(head, body, _)| (head, body))
        .collect();
    // Stable: inside a key in the order of the sources.
    notes.sort_by_key(|(head, _)| (halves(head), head.class, u128::from_be_bytes(head.key_id)));
    let mut told = Vec::new();
    for of_key in notes.chunk_by(|(a, _), (b, _)| a.spki_sha256 == b.spki_sha256) {
        let there = of_key.iter().map(|(head, _)| head).filter(|head| head.class == Class::Key);
        // A machine under two names is one.
        let mut clients: Vec<&str> = there.filter_map(|head| head.client).map(|name| aliases.own_name(name)).collect();
        clients.sort_unstable();
        clients.dedup();
        let (words, enrolments) = words(of_key);
        if clients.len() < 2 && words.is_empty() && enrolments == 0 {
            continue;
        }
        let clients_with_key = u32::try_from(clients.len()).unwrap_or(u32::MAX);
        let attached = Attached { clients_with_key, words, enrolments };
        let spki_sha256 = of_key.first().and_then(|(head, _)| head.spki_sha256);
        let mut note = Vec::new();
        let head = Head { spki_sha256, ..Head::of_client(Class::Attached, None) };
        head.write(&mut note, |out| note::append(&attached, out));
        // To every part that has such a key: once, however many keys there are.
        let keys = of_key.iter().filter(|(head, _)| head.class != Class::Attached);
        let parts: BTreeSet<usize> = keys.map(|(head, _)| note::part(head)).collect();
        told.extend(parts.into_iter().map(|part| (part, note.clone())));
    }
    Ok(told)
}

fn first(head: &Head<'_>) -> u64 {
    head.spki_sha256.as_ref().and_then(|spki| spki.first_chunk()).map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The digest of the public key as numbers, which are quickly compared.
fn halves(head: &Head<'_>) -> [u128; 2] {
    let (halves, _) = head.spki_sha256.as_ref().map_or(&[][..], |spki| &spki[..]).as_chunks::<16>();
    [0, 1].map(|at: usize| halves.get(at).map_or(0, |half| u128::from_be_bytes(*half)))
}

/// What enrolments and files say of one public key, each thing once, and the number of enrolments.
fn words<'a>(of_key: &[(Head<'a>, &'a [u8])]) -> (Vec<Word<'a>>, u32) {
    let mut words: Vec<Word<'a>> = Vec::new();
    let mut enrolments = 0;
    let mut add = |mut word: Word<'a>| {
        word.said.clip(MAX_WORD);
        if words.len() < MAX_WORDS && words.iter().all(|known| known.said != word.said) {
            words.push(word);
        }
    };
    for (head, body) in of_key {
        if head.class != Class::Attached {
            if !body.is_empty()
                && let Ok(word) = postcard::from_bytes::<Word<'_>>(body)
            {
                add(word);
            }
            continue;
        }
        let Ok(enrolment) = postcard::from_bytes::<Enrolment<'_>>(body) else { continue };
        enrolments += 1;
        let origin = enrolment.origin;
        if let Some(name) = enrolment.provider_name {
            let said = if enrolment.is_ca_row { Said::CaProvider(name) } else { Said::RequestProvider(name) };
            add(Word { origin, said });
        }
        if !enrolment.attestation.is_empty() {
            let marks = enrolment.attestation.join(" ");
            add(Word { origin, said: Said::Attestation(Text::Owned(marks)) });
        }
    }
    (words, enrolments)
}
