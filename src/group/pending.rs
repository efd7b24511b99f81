//! Observations that only name their certificate: they wait, compact, until every certificate of the scan is known.
//!
//! Whether the certificate stands before, after, in another unit or in another file makes no difference: such
//! rows are always written last, in their own order.

use serde::{Deserialize, Serialize};

use crate::classify::registrations;
use crate::client::Basis;
use crate::record::{Claims, FormatConfidence, Lineage, Observation, Printed, Provider, StoreLocation, Text};
use crate::walk::SourceNumber;

/// A waiting observation, with everything its row and its verdicts need.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pending<'a> {
    /// Number of the source.
    pub source: SourceNumber,
    /// Name of the source's format.
    pub format: Text<'a>,
    /// Client, lower case.
    pub client: Option<Text<'a>>,
    basis: u8,
    /// Where in the source.
    pub lineage: Lineage,
    store_location: Option<StoreLocation>,
    store_name: Option<Text<'a>>,
    user_sid: Option<Text<'a>>,
    collected_at: Option<i64>,
    collector: Option<Text<'a>>,
    collector_version: Option<Text<'a>>,
    confidence: FormatConfidence,
    /// Claimed SHA-1.
    pub sha1: Option<[u8; 20]>,
    /// Claimed SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// The claims.
    pub claims: Claims<'a>,
    /// What a tool printed.
    pub printed: Printed<'a>,
    /// The client's registered providers.
    pub registry: Vec<Provider<'a>>,
}

const BASES: [Basis; 5] = [Basis::Record, Basis::Dir, Basis::Stem, Basis::Regex, Basis::Name];

fn borrow<'s>(text: &'s Option<Text<'_>>) -> Option<Text<'s>> {
    text.as_deref().map(Text::Borrowed)
}

impl<'a> Pending<'a> {
    /// Takes what is needed of an observation. Of the client's providers only those of the claimed name are kept:
    /// no other can speak for this key.
    pub fn new(
        o: &'a Observation<'a>,
        source: SourceNumber,
        format: &'a str,
        client: Option<(&'a str, Basis)>,
    ) -> Self {
        let claimed = o.claims.provider_name.as_deref().unwrap_or_default();
        let named = registrations(claimed, o.collection.registry).cloned();
        Pending {
            source,
            format: Text::Borrowed(format),
            client: client.map(|(name, _)| Text::Borrowed(name)),
            basis: client.map_or(0, |(_, basis)| BASES.iter().position(|b| *b == basis).unwrap_or(0) as u8),
            lineage: o.lineage,
            store_location: o.store_location,
            store_name: borrow(&o.store_name),
            user_sid: borrow(&o.user_sid),
            collected_at: o.collection.collected_at,
            collector: o.collection.collector.map(Text::Borrowed),
            collector_version: o.collection.collector_version.map(Text::Borrowed),
            confidence: o.collection.confidence,
            sha1: o.certificate.sha1,
            sha256: o.certificate.sha256,
            claims: o.claims.clone(),
            printed: o.printed.clone(),
            registry: named.collect(),
        }
    }

    /// Appends the record to `out`; returns how many bytes that are.
    pub fn encode(&self, out: &mut Vec<u8>) -> usize {
        // Length first, so that a reader can cut the stream without decoding it.
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        // Serialising into a vector cannot fail for these types; were it to, the record would be of length 0, and
        // reading it back would end the run instead of losing it.
        if let Ok(encoded) = postcard::to_stdvec(self) {
            out.extend_from_slice(&encoded);
        }
        let len = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&len.to_le_bytes());
        out.len() - start
    }

    /// Bytes of the first record of `bytes`, its length included, whether they are all there or not.
    pub fn len_of(bytes: &[u8]) -> Option<usize> {
        Some(4 + u32::from_le_bytes(*bytes.first_chunk()?) as usize)
    }

    /// Reads one record from the start of `bytes`: the record and the bytes it took.
    pub fn decode(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let len = u32::from_le_bytes(*len) as usize;
        Some((postcard::from_bytes(rest.get(..len)?).ok()?, 4 + len))
    }

    /// The observation, as the reader pushed it.
    pub fn observation(&self) -> Observation<'_> {
        let mut o = Observation {
            lineage: self.lineage,
            client: borrow(&self.client),
            store_location: self.store_location,
            store_name: borrow(&self.store_name),
            user_sid: borrow(&self.user_sid),
            claims: self.claims.clone(),
            printed: self.printed.clone(),
            ..Observation::default()
        };
        o.certificate.sha1 = self.sha1;
        o.certificate.sha256 = self.sha256;
        o.collection.collected_at = self.collected_at;
        o.collection.collector = self.collector.as_deref();
        o.collection.collector_version = self.collector_version.as_deref();
        o.collection.registry = &self.registry;
        o.collection.confidence = self.confidence;
        o
    }

    /// How the client is known.
    pub fn basis(&self) -> Basis {
        BASES.get(usize::from(self.basis)).copied().unwrap_or(Basis::Record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_comes_back_whole() {
        let mut o = Observation { store_name: Some("My".into()), ..Observation::default() };
        o.claims.provider_name = Some("Fabricated KSP".into());
        o.claims.provider_type = Some(0);
        o.certificate.sha256 = Some([7; 32]);
        o.collection.collector = Some("collector");
        let registry = [
            Provider { name: "Other".into(), ..Provider::default() },
            Provider { name: "fabricated ksp".into(), ..Provider::default() },
        ];
        o.collection.registry = &registry;
        let mut bytes = Vec::new();
        Pending::new(&o, SourceNumber { file: 3, member: 7 }, "census_1", Some(("pc1", Basis::Dir))).encode(&mut bytes);
        Pending::new(&o, SourceNumber::file(4), "census_1", None).encode(&mut bytes);
        let (one, len) = Pending::decode(&bytes).expect("the first record");
        let (two, rest) = Pending::decode(&bytes[len..]).expect("the second record");
        assert_eq!(len + rest, bytes.len());
        assert_eq!((one.source, one.basis()), (SourceNumber { file: 3, member: 7 }, Basis::Dir));
        assert_eq!(two.source, SourceNumber::file(4));
        let back = one.observation();
        assert_eq!(back.claims, o.claims);
        assert_eq!(back.store_name, o.store_name);
        assert_eq!(back.collection.collector, Some("collector"));
        assert_eq!(back.collection.registry.len(), 1, "only the claimed provider's registration waits along");
    }
}
