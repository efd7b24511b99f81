//! What a certificate itself tells about its key: small enough to be copied, kept in an index, or rebuilt from columns.

use serde::{Deserialize, Serialize};

use crate::x509::Facts;

/// Marks of a certificate that bear on where its key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Marks {
    /// Bit `n - 30` is set for the policy 1.3.6.1.4.1.311.21.n.
    policies: u8,
    is_ca: Option<bool>,
    has_tpm_role: bool,
    is_yubikey_attestation: bool,
}

/// Microsoft's TPM attestation policies, strongest first, with the assurance they stand for ([MS-WCCE] 3.2.2.6.2.1.4.5.7).
const POLICIES: [(u8, &str, &str); 3] = [
    (30, "high", "1.3.6.1.4.1.311.21.30"),
    (31, "medium", "1.3.6.1.4.1.311.21.31"),
    (32, "low", "1.3.6.1.4.1.311.21.32"),
];

impl Marks {
    /// From the columns `attestation_policies`, `is_ca`, `tpm_role` and `is_yubikey_attestation`; policies other than
    /// 30, 31 and 32 are passed over.
    pub fn new(policies: &[u8], is_ca: Option<bool>, tpm_role: Option<&str>, is_yubikey_attestation: bool) -> Marks {
        let known = policies.iter().filter(|policy| POLICIES.iter().any(|(known, ..)| known == *policy));
        let policies = known.fold(0, |bits, policy| bits | Marks::bit(*policy));
        Marks { policies, is_ca, has_tpm_role: tpm_role.is_some(), is_yubikey_attestation }
    }

    fn bit(policy: u8) -> u8 {
        1u8.checked_shl(u32::from(policy.saturating_sub(30))).unwrap_or(0)
    }

    /// Whether the policies speak of the certificate's own key: attestation identity keys, their CAs, endorsement keys and
    /// platform certificates carry the same policies with another meaning.
    pub fn vouch_for_own_key(self) -> bool {
        self.is_ca == Some(false) && !self.has_tpm_role
    }

    /// Whether a TPM attestation policy is there, for whatever key.
    pub fn has_policy(self) -> bool {
        self.policies != 0
    }

    /// The certificate is a YubiKey's attestation of one of its slots.
    pub fn is_yubikey_attestation(self) -> bool {
        self.is_yubikey_attestation
    }

    /// The strongest policy that speaks of the own key: `high`, `medium` or `low`.
    pub fn assurance(self) -> Option<&'static str> {
        let strongest = POLICIES.iter().find(|(policy, ..)| self.policies & Marks::bit(*policy) != 0);
        strongest.filter(|_| self.vouch_for_own_key()).map(|(_, assurance, _)| *assurance)
    }

    /// OIDs of the policies that are there.
    pub(super) fn policy_oids(self) -> String {
        let there = POLICIES.iter().filter(|(policy, ..)| self.policies & Marks::bit(*policy) != 0);
        there.map(|(.., oid)| *oid).collect::<Vec<_>>().join(" ")
    }
}

impl From<&Facts> for Marks {
    fn from(facts: &Facts) -> Marks {
        Marks::new(&facts.attestation_policies, facts.is_ca, facts.tpm_role, facts.is_yubikey_attestation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_policy_gives_the_assurance() {
        let assurance = |policies: &[u8]| Marks::new(policies, Some(false), None, false).assurance();
        assert_eq!(assurance(&[32, 31, 30]), Some("high"));
        assert_eq!(assurance(&[32, 31]), Some("medium"));
        assert_eq!(assurance(&[32]), Some("low"));
        assert_eq!(assurance(&[]), None);
        assert_eq!(assurance(&[0, 29, 33, 255]), None);
    }

    #[test]
    fn policies_of_cas_and_tpm_certificates_vouch_for_nothing() {
        for (is_ca, role) in [
            (Some(true), None),
            (None, None),
            (Some(false), Some("attestation_identity_key")),
            (Some(false), Some("endorsement_key")),
            (Some(false), Some("platform")),
        ] {
            let marks = Marks::new(&[30], is_ca, role, false);
            assert!(marks.has_policy() && !marks.vouch_for_own_key());
            assert_eq!(marks.assurance(), None, "{is_ca:?} {role:?}");
        }
    }

    #[test]
    fn facts_and_columns_give_the_same_marks() {
        let facts = Facts {
            attestation_policies: vec![31],
            is_ca: Some(false),
            tpm_role: Some("platform"),
            is_yubikey_attestation: true,
            ..Facts::default()
        };
        assert_eq!(Marks::from(&facts), Marks::new(&[31], Some(false), Some("platform"), true));
        assert_eq!(Marks::from(&Facts::default()), Marks::default());
        assert_eq!(Marks::from(&facts).policy_oids(), "1.3.6.1.4.1.311.21.31");
    }
}
