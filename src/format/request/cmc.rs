//! CMC: requests in a PKIData that is the content of signedData (RFC 5272 section 3.2.1).
//!
//! Every tagged request is one row. Two controls add to a request what the client says elsewhere: attributes
//! ([MS-WCCE] 2.2.2.6.3) and extensions (RFC 5272). Messages inside the message are not opened.

use foldhash::{HashMap, HashMapExt};

use super::super::der::{self, Kind, open};
use super::super::place::{Place, position};
use super::super::{Format, pkcs7};
use super::{lost, push_facts};
use crate::der::{Items, tag};
use crate::record::{Code, Lineage, Reject, RequestKind, Sink, Stage};
use crate::x509::request::{ARCHIVED_KEY, Added, parse_crmf};

/// A CMC message that asks for certificates.
pub static FORMAT: Format = Format {
    name: "cmc_request",
    title: "CMC certificate request",
    usual_names: "*.req, *.cmc",
    yields: "every request with what the client declares; certificates that come with it",
    source: "RFC 5272 section 3.2; MS-WCCE 2.2.2.6.3",
    sniff: |head| der::kind(head.bytes) == Some(Kind::CmcRequest),
    read: Some(pkcs7::read),
    unpack: None,
    border: None,
};

/// 1.3.6.1.4.1.311.10.10.1, attributes for the named body parts.
const ADD_ATTRIBUTES: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x0a, 0x01];
/// 1.3.6.1.5.5.7.7.8, id-cmc-addExtensions.
const ADD_EXTENSIONS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x07, 0x08];
/// `[0]` PKCS#10, `[1]` CRMF, `[2]` anything else (RFC 5272 section 3.2.1.2).
const OTHER_REQUEST: u8 = 0xa2;

/// Most body parts that controls may name in one message. A client names one.
const MAX_REFERENCES: usize = 4096;
/// Most octets that controls may add to the requests of one message together. A client adds some hundred.
const MAX_ADDED: usize = 16 * 1024 * 1024;

/// What controls add, by the number of the body part.
struct Additions<'a> {
    by_part: HashMap<&'a [u8], Vec<Added<'a>>>,
    references: usize,
    /// Octets that may still be added.
    budget: usize,
    /// A limit was hit.
    is_cut: bool,
}

/// A message, and how its parts get their lineage.
pub(crate) struct Message<'m> {
    /// The whole source or decoded block.
    pub bytes: &'m [u8],
    /// The PKIData: a part of `bytes`, or octets that were put together from what stands at `at`.
    pub content: &'m [u8],
    /// Position of the content in `bytes`.
    pub at: u64,
    /// The content is a part of `bytes`.
    pub is_in_place: bool,
    /// Certificates, revocation lists and signers, as they follow the content.
    pub sets: &'m [u8],
    /// The message does not end early.
    pub is_whole: bool,
}

impl Message<'_> {
    fn lineage(&self, place: &mut Place, part: &[u8], number: &mut u32) -> Lineage {
        if self.is_in_place {
            return place.next(position(self.bytes, part));
        }
        let lineage = place.part(self.at, *number);
        *number = number.saturating_add(1);
        lineage
    }
}

/// Pushes every request of the PKIData, and skips what else it holds.
pub(crate) fn push(message: &Message<'_>, place: &mut Place, sink: &mut dyn Sink) {
    let mut number = 0;
    let Some((controls, requests, others)) = lists(message.content) else {
        if message.is_whole {
            let reject = "the message has no readable list of requests";
            sink.reject(Reject::lost(place.next(message.at), Stage::Read, Code::BadStructure, reject));
        }
        return;
    };
    let mut additions = Additions::read(controls);
    let archived = archived_key(message.sets);
    let is_single = Items::new(requests).count() == 1;
    let mut count = 0u64;
    let mut items = Items::new(requests);
    loop {
        if sink.stopped() {
            return;
        }
        let Some(item) = items.next().filter(|item| item.tag != 0) else { break };
        count += 1;
        match item.tag {
            tag::CONTEXT_0 => {
                let mut fields = Items::new(item.content);
                let part = fields.next_if(tag::INTEGER).map(|part| part.content).unwrap_or_default();
                let mut added = additions.take(part);
                added.extend(archived.filter(|_| is_single).map(Added::Attributes));
                let request = fields.rest();
                let lineage = message.lineage(place, request, &mut number);
                super::push(request, &added, lineage, RequestKind::Cmc, sink);
            }
            tag::CONTEXT_1 => {
                let lineage = message.lineage(place, item.content, &mut number);
                match parse_crmf(item.content) {
                    Ok(facts) => push_facts(&facts, lineage, RequestKind::Crmf, sink),
                    Err(problem) => sink.reject(lost(lineage, problem)),
                }
            }
            OTHER_REQUEST => sink.skip("other_request"),
            _ => {
                let lineage = message.lineage(place, item.content, &mut number);
                let reject = "an entry of the list is not a request of any kind";
                sink.reject(Reject::lost(lineage, Stage::Read, Code::BadStructure, reject));
            }
        }
    }
    if message.is_whole && !items.rest().is_empty() {
        count += 1;
        let lineage = message.lineage(place, items.rest(), &mut number);
        let reject = "the list of requests holds bytes that are not a DER value";
        sink.reject(Reject::lost(lineage, Stage::Read, Code::BadStructure, reject));
    }
    count += skip_others(others, sink);
    if count == 0 && message.is_whole {
        sink.skip("cmc_controls");
    }
    if additions.is_cut {
        let reject = "the controls add more to the requests than the limits allow; the rest was ignored";
        let lineage = place.next(message.at);
        sink.reject(Reject::degraded(lineage, Stage::Read, Code::TooLarge, "attributes", reject));
    }
}

/// Contents of the lists of controls and of requests, and what follows them.
fn lists(content: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (data, _) = open(content, tag::SEQUENCE)?;
    let (controls, rest) = open(data, tag::SEQUENCE)?;
    let (requests, others) = open(rest, tag::SEQUENCE)?;
    Some((controls, requests, others))
}

/// Counts the messages inside the message and the other parts; neither is opened.
fn skip_others(others: &[u8], sink: &mut dyn Sink) -> u64 {
    let mut count = 0;
    let mut rest = others;
    for reason in ["nested_cms", "other_message"] {
        let Some((list, after)) = open(rest, tag::SEQUENCE) else { break };
        for _ in Items::new(list).filter(|item| item.tag != 0) {
            sink.skip(reason);
            count += 1;
        }
        rest = after;
    }
    count
}

impl<'a> Additions<'a> {
    fn read(controls: &'a [u8]) -> Self {
        let mut additions = Additions { by_part: HashMap::new(), references: 0, budget: MAX_ADDED, is_cut: false };
        for control in Items::new(controls) {
            let mut fields = Items::new(control.content);
            fields.next_if(tag::INTEGER);
            let kind = fields.next_if(tag::OID).map(|kind| kind.content);
            let values = fields.next_if(tag::SET).map(|values| values.content).unwrap_or_default();
            if let Some(kind @ (ADD_ATTRIBUTES | ADD_EXTENSIONS)) = kind {
                Items::new(values).for_each(|value| additions.add(kind, value.content));
            }
        }
        additions
    }

    /// One value: the message concerned (0 is this one), its body parts, and what is added to them.
    fn add(&mut self, kind: &[u8], content: &'a [u8]) {
        let mut fields = Items::new(content);
        let is_here = fields.next_if(tag::INTEGER).is_some_and(|message| digits(message.content).is_empty());
        let Some(parts) = fields.next_if(tag::SEQUENCE).filter(|_| is_here) else { return };
        let list = fields.rest();
        let added = match (kind, fields.next()) {
            (ADD_ATTRIBUTES, Some(set)) if set.tag == tag::SET => Added::Attributes(set.content),
            (ADD_EXTENSIONS, Some(extensions)) if extensions.tag == tag::SEQUENCE => {
                Added::Extensions(list.get(..extensions.total).unwrap_or_default())
            }
            _ => return,
        };
        for part in Items::new(parts.content).filter(|part| part.tag == tag::INTEGER) {
            if self.references == MAX_REFERENCES {
                self.is_cut = true;
                return;
            }
            self.references += 1;
            self.by_part.entry(digits(part.content)).or_default().push(added);
        }
    }

    /// What is added to this body part. Numbers are unique, so a second part with the same one gets nothing.
    fn take(&mut self, part: &[u8]) -> Vec<Added<'a>> {
        let mut added = self.by_part.remove(digits(part)).unwrap_or_default();
        added.retain(|added| {
            let (Added::Attributes(bytes) | Added::Extensions(bytes)) = added;
            let fits = bytes.len() <= self.budget;
            self.budget -= if fits { bytes.len() } else { 0 };
            self.is_cut |= !fits;
            fits
        });
        added
    }
}

/// Digits of a number that is not negative, without zeros before them.
fn digits(content: &[u8]) -> &[u8] {
    let zeros = content.iter().take_while(|byte| **byte == 0).count();
    content.get(zeros..).unwrap_or_default()
}

/// The attribute with an archived key, whole: clients put it among the unsigned attributes of the signer ([MS-WCCE]
/// 3.1.1.4.3.6.1). Only that it is there is of interest.
fn archived_key(sets: &[u8]) -> Option<&[u8]> {
    let signers = Items::new(sets).find(|set| set.tag == tag::SET)?;
    let mut unsigned = Items::new(signers.content)
        .flat_map(|signer| Items::new(signer.content))
        .filter(|field| field.tag == tag::CONTEXT_1);
    unsigned.find_map(|attributes| {
        let mut list = Items::new(attributes.content);
        loop {
            let rest = list.rest();
            let attribute = list.next()?;
            if Items::new(attribute.content).next_if(tag::OID).is_some_and(|kind| kind.content == ARCHIVED_KEY) {
                return rest.get(..attribute.total);
            }
        }
    })
}
