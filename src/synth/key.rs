//! Where the private keys of the fleet are said to live: classes, the providers behind them, and what Windows would
//! report of each.
//!
//! Provider names are the ones real exports show, so that the catalogue has something to answer; one invented HSM
//! vendor stands for those it does not know. Sources of flags and types: `wincrypt.h` (`PP_IMPTYPE`, `PROV_*`) and
//! `ncrypt.h` (`NCRYPT_IMPL_*`).

use super::keys::Algorithm;
use super::rng::Rng;
use super::template::{self, Owner};

/// Weights of the key classes among a client's own certificates. Only their proportions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// A software CSP.
    pub capi_software: u32,
    /// The software KSP.
    pub cng_software: u32,
    /// The platform KSP.
    pub tpm: u32,
    /// A smart card or USB token, through a CSP or a KSP.
    pub smart_card: u32,
    /// The software KSP with a key isolated by virtualization-based security.
    pub vbs: u32,
    /// A hardware security module, through a CSP or a KSP.
    pub hsm: u32,
    /// A KSP that forwards to a cloud service.
    pub cloud_kms: u32,
    /// A certificate without key property.
    pub no_key: u32,
}

impl Default for Weights {
    /// A fleet in the middle of its way from CAPI to CNG.
    fn default() -> Self {
        Weights { capi_software: 27, cng_software: 36, tpm: 15, smart_card: 8, vbs: 3, hsm: 2, cloud_kms: 1, no_key: 8 }
    }
}

impl Weights {
    /// In the order of [`CLASSES`].
    pub(super) fn list(self) -> [u32; CLASSES.len()] {
        let Weights { capi_software, cng_software, tpm, smart_card, vbs, hsm, cloud_kms, no_key } = self;
        [capi_software, cng_software, tpm, smart_card, vbs, hsm, cloud_kms, no_key]
    }
}

/// What kind of key a certificate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    CapiSoftware,
    CngSoftware,
    Tpm,
    SmartCard,
    Vbs,
    Hsm,
    CloudKms,
    NoKey,
}

/// Every class, in the order of the fields of [`Weights`].
const CLASSES: [Class; 8] = [
    Class::CapiSoftware,
    Class::CngSoftware,
    Class::Tpm,
    Class::SmartCard,
    Class::Vbs,
    Class::Hsm,
    Class::CloudKms,
    Class::NoKey,
];

/// `dwProvType` and its meaning: 0 marks a KSP.
pub(super) const CNG: u32 = 0;
/// Flag bit of a machine key in both interfaces.
pub(super) const MACHINE_KEY: u32 = 0x20;
/// `CERT_NCRYPT_KEY_SPEC`.
pub(super) const NCRYPT_KEY_SPEC: u32 = 0xffff_ffff;

/// A provider as a client registers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Provider {
    pub name: &'static str,
    /// CAPI provider type, or [`CNG`].
    pub prov_type: u32,
    /// Implementation flags in the interface's own set; `None` where the provider does not answer.
    pub impl_flags: Option<u32>,
    /// File name of its DLL in `System32`; for third parties made up.
    pub image: &'static str,
}

impl Provider {
    /// The interface that lists it.
    pub fn api(&self) -> &'static str {
        if self.prov_type == CNG { "cng" } else { "capi" }
    }

    /// The flag set its implementation flags are in.
    pub fn impl_api(&self) -> &'static str {
        if self.prov_type == CNG { "ncrypt" } else { "capi" }
    }
}

const fn provider(name: &'static str, prov_type: u32, impl_flags: u32, image: &'static str) -> Provider {
    Provider { name, prov_type, impl_flags: Some(impl_flags), image }
}

/// Providers that every Windows 10 and later has, most used first.
pub(super) const BUILT_IN: usize = 14;

/// Every provider; the first [`BUILT_IN`] come with Windows.
pub(super) const PROVIDERS: &[Provider] = &[
    provider("Microsoft Software Key Storage Provider", CNG, 0x2, "ncryptprov.dll"),
    provider("Microsoft Enhanced RSA and AES Cryptographic Provider", 24, 0x2, "rsaenh.dll"),
    provider("Microsoft Platform Crypto Provider", CNG, 0x11, "PCPKsp.dll"),
    provider("Microsoft RSA SChannel Cryptographic Provider", 12, 0x2, "rsaenh.dll"),
    provider("Microsoft Smart Card Key Storage Provider", CNG, 0x9, "scksp.dll"),
    provider("Microsoft Base Smart Card Crypto Provider", 1, 0xb, "basecsp.dll"),
    Provider { name: "Microsoft Passport Key Storage Provider", prov_type: CNG, impl_flags: None, image: "ngcksp.dll" },
    provider("Microsoft Strong Cryptographic Provider", 1, 0x2, "rsaenh.dll"),
    provider("Microsoft Enhanced Cryptographic Provider v1.0", 1, 0x2, "rsaenh.dll"),
    provider("Microsoft Base Cryptographic Provider v1.0", 1, 0x2, "rsaenh.dll"),
    provider("Microsoft DH SChannel Cryptographic Provider", 18, 0x2, "dssenh.dll"),
    provider("Microsoft Base DSS and Diffie-Hellman Cryptographic Provider", 13, 0x2, "dssenh.dll"),
    provider("Microsoft Base DSS Cryptographic Provider", 3, 0x2, "dssenh.dll"),
    provider("Microsoft Enhanced DSS and Diffie-Hellman Cryptographic Provider", 13, 0x2, "dssenh.dll"),
    provider("eToken Base Cryptographic Provider", 1, 0xb, "eTCAPI.dll"),
    provider("nCipher Security World Key Storage Provider", CNG, 0x11, "ncksppt.dll"),
    provider("SafeNet Key Storage Provider", CNG, 0x1, "SafeNetKSP.dll"),
    provider("Luna Cryptographic Services for Microsoft Windows", 1, 0x1, "LunaCSP.dll"),
    provider("Fabricated Vault Key Storage Provider", CNG, 0x1, "fabvault.dll"),
    provider("Google Cloud KMS Provider", CNG, 0x1, "kmscng.dll"),
    provider("Azure Key Vault Key Storage Provider", CNG, 0x2, "akvksp.dll"),
];

/// Indexes into [`PROVIDERS`] with key spec and weight, for a class.
fn choices(class: Class) -> &'static [(usize, u32, u32)] {
    match class {
        Class::CapiSoftware => &[(1, 1, 50), (3, 1, 30), (7, 1, 10), (8, 2, 10)],
        Class::CngSoftware | Class::Vbs | Class::NoKey => &[(0, 0, 1)],
        Class::Tpm => &[(2, 0, 1)],
        Class::SmartCard => &[(5, 1, 45), (4, 0, 40), (14, 1, 15)],
        Class::Hsm => &[(15, 0, 35), (16, 0, 25), (17, 1, 25), (18, 0, 15)],
        Class::CloudKms => &[(19, 0, 1), (20, 0, 1)],
    }
}

/// What a client's own certificate and its key are to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub class: Class,
    /// Index into [`PROVIDERS`].
    pub provider: usize,
    pub key_spec: u32,
    pub algorithm: Algorithm,
    pub owner: Owner,
    /// Index into the templates.
    pub template: usize,
    /// Last arc of a TPM attestation policy (1.3.6.1.4.1.311.21.N) in the certificate.
    pub attestation: Option<u32>,
}

impl Key {
    /// Draws the next key of a client.
    pub fn draw(rng: &mut Rng, weights: &Weights) -> Self {
        let class = CLASSES[rng.weighted(&weights.list())];
        let choices = choices(class);
        let spread: [u32; 4] = std::array::from_fn(|at| choices.get(at).map_or(0, |choice| choice.2));
        let (provider, key_spec, _) = choices[rng.weighted(&spread)];
        let by_machine = match class {
            Class::SmartCard => 0,
            Class::Hsm | Class::CloudKms => 100,
            _ => 70,
        };
        let owner = if rng.percent(by_machine) { Owner::Machine } else { Owner::User };
        let p256 = rng.percent(64) && PROVIDERS[provider].prov_type == CNG;
        let attested = rng.percent(30) && class == Class::Tpm;
        Key {
            class,
            provider,
            key_spec,
            algorithm: if p256 { Algorithm::P256 } else { Algorithm::Rsa2048 },
            owner,
            template: template::draw(rng, owner),
            attestation: attested.then(|| 30 + rng.below(3) as u32),
        }
    }

    /// Its provider.
    pub fn provider(&self) -> &'static Provider {
        &PROVIDERS[self.provider]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::rng::Purpose;

    #[test]
    fn every_class_has_providers_that_exist_and_no_csp_has_elliptic_curves() {
        let mut rng = Rng::stream(1, Purpose::Keys, 0);
        let mut used = [0; PROVIDERS.len()];
        for _ in 0..20_000 {
            let key = Key::draw(&mut rng, &Weights::default());
            used[key.provider] += 1;
            assert!(key.algorithm == Algorithm::Rsa2048 || key.provider().prov_type == CNG);
            assert_eq!(key.key_spec == 0, key.provider().prov_type == CNG);
            assert!(key.attestation.is_none() || key.class == Class::Tpm);
        }
        assert!(used[BUILT_IN..].iter().all(|n| *n > 0), "{used:?}");
        for (class, weight) in CLASSES.iter().zip(Weights::default().list()) {
            assert!(weight > 0 && !choices(*class).is_empty() && choices(*class).len() <= 4);
        }
    }

    #[test]
    fn weights_are_obeyed() {
        let zero = Weights {
            capi_software: 0,
            cng_software: 0,
            tpm: 0,
            smart_card: 0,
            vbs: 0,
            hsm: 0,
            cloud_kms: 0,
            no_key: 0,
        };
        let mut rng = Rng::stream(2, Purpose::Keys, 0);
        let only_vbs = Weights { vbs: 5, ..zero };
        assert!((0..200).all(|_| Key::draw(&mut rng, &only_vbs).class == Class::Vbs));
        let half = Weights { tpm: 1, no_key: 1, ..zero };
        let tpm = (0..2000).filter(|_| Key::draw(&mut rng, &half).class == Class::Tpm).count();
        assert!((900..1100).contains(&tpm), "{tpm}");
    }
}
