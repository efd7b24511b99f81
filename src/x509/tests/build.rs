//! A DER builder, and a certificate whose parts tests exchange.

/// An element with a definite, minimal length.
pub(in crate::x509) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let (length, count) = crate::x509::ber::length_octets(content.len());
    [&[tag], &length[..count], content].concat()
}

/// A SEQUENCE of these elements.
pub(in crate::x509) fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

/// An attribute of a name.
pub(in crate::x509) fn attribute(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    seq(&[element(6, oid), element(tag, value)])
}

/// A relative distinguished name.
pub(in crate::x509) fn rdn(attributes: &[Vec<u8>]) -> Vec<u8> {
    element(0x31, &attributes.concat())
}

/// A distinguished name.
pub(in crate::x509) fn name(rdns: &[Vec<u8>]) -> Vec<u8> {
    seq(rdns)
}

/// A name with one common name.
pub(in crate::x509) fn cn(value: &str) -> Vec<u8> {
    name(&[rdn(&[attribute(&[0x55, 4, 3], 12, value.as_bytes())])])
}

/// An extension.
pub(in crate::x509) fn extension(oid: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if is_critical { element(1, &[0xff]) } else { Vec::new() };
    seq(&[element(6, oid), critical, element(4, value)])
}

/// Content octets of a dotted OID.
pub(in crate::x509) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().expect("a number")).collect();
    let mut content = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let digits = (0..10).rev().map(|place| (arc >> (7 * place) & 0x7f) as u8);
        let digits: Vec<u8> = digits.skip_while(|digit| *digit == 0).collect();
        match digits.split_last() {
            Some((last, rest)) => {
                content.extend(rest.iter().map(|digit| digit | 0x80));
                content.push(*last);
            }
            None => content.push(0),
        }
    }
    content
}

/// The parts of a certificate as elements, in their order.
#[derive(Clone)]
pub(in crate::x509) struct Certificate {
    pub version: Vec<u8>,
    pub serial: Vec<u8>,
    pub algorithm: Vec<u8>,
    pub issuer: Vec<u8>,
    pub not_before: Vec<u8>,
    pub not_after: Vec<u8>,
    pub subject: Vec<u8>,
    pub key: Vec<u8>,
    /// After the key: unique identifiers, or anything.
    pub tail: Vec<u8>,
    pub extensions: Vec<Vec<u8>>,
    pub outer_algorithm: Option<Vec<u8>>,
}

impl Default for Certificate {
    /// A version 3 certificate with an RSA key of 2048 bits and no extensions.
    fn default() -> Self {
        Certificate {
            version: element(0xa0, &element(2, &[2])),
            serial: element(2, &[0x01]),
            algorithm: seq(&[element(6, &oid("1.2.840.113549.1.1.11")), element(5, &[])]),
            issuer: cn("ca.example.test"),
            not_before: element(0x17, b"250101000000Z"),
            not_after: element(0x17, b"260101000000Z"),
            subject: cn("host.example.test"),
            key: rsa_key(&[&[0x00, 0xc5], &[7; 255][..]].concat(), &[1, 0, 1]),
            tail: Vec::new(),
            extensions: Vec::new(),
            outer_algorithm: None,
        }
    }
}

impl Certificate {
    /// The certificate in DER.
    pub fn der(&self) -> Vec<u8> {
        let extensions = match self.extensions.as_slice() {
            [] => Vec::new(),
            list => element(0xa3, &seq(list)),
        };
        let tbs = seq(&[
            self.version.clone(),
            self.serial.clone(),
            self.algorithm.clone(),
            self.issuer.clone(),
            seq(&[self.not_before.clone(), self.not_after.clone()]),
            self.subject.clone(),
            self.key.clone(),
            self.tail.clone(),
            extensions,
        ]);
        let outer = self.outer_algorithm.as_ref().unwrap_or(&self.algorithm).clone();
        seq(&[tbs, outer, element(3, &[&[0], &[0x5a; 256][..]].concat())])
    }

    /// Its facts.
    pub fn facts(&self) -> crate::x509::Facts {
        crate::x509::parse(&self.der()).expect("a certificate")
    }

    /// Its facts; there must be no problem.
    pub fn clean(&self) -> crate::x509::Facts {
        let facts = self.facts();
        assert_eq!(facts.problems, []);
        facts
    }
}

/// SubjectPublicKeyInfo with these parameters and bits.
pub(in crate::x509) fn key(algorithm: &str, parameters: Vec<u8>, bits: &[u8]) -> Vec<u8> {
    seq(&[seq(&[element(6, &oid(algorithm)), parameters]), element(3, &[&[0], bits].concat())])
}

/// An RSA key of these INTEGER contents.
pub(in crate::x509) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    key("1.2.840.113549.1.1.1", element(5, &[]), &seq(&[element(2, modulus), element(2, exponent)]))
}
