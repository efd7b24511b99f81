//! Which of the passwords at hand opens a file.

use zeroize::Zeroizing;

use super::pbe::{Budget, Check, Scheme, Secret, TooDear};
use crate::der::{self, tag};
use crate::format::Passwords;

/// The passwords for one file.
pub(super) struct Keyring<'k> {
    passwords: &'k Passwords,
    check: Option<Check<'k>>,
    data: &'k [u8],
    budget: Budget,
    /// What the check said: the password that fits, if any. `None` before it was asked.
    fitting: Option<Result<Option<Secret>, TooDear>>,
}

impl<'k> Keyring<'k> {
    pub(super) fn new(passwords: &'k Passwords, mac: Option<&'k [u8]>, data: &'k [u8], is_complete: bool) -> Self {
        let check = mac.filter(|_| is_complete).and_then(Check::parse);
        Keyring { passwords, check, data, budget: Budget::new(), fitting: None }
    }

    /// Every password, in the order in which they are tried: none, the empty one, the user's.
    fn secrets(passwords: &Passwords) -> impl Iterator<Item = Secret> {
        [Secret::none(), Secret::new("")].into_iter().chain(passwords.iter().map(Secret::new))
    }

    /// The plain text of a safe. The check of the file decides which password fits; where there is none that can be
    /// made, a password fits that gives a well-formed safe.
    pub(super) fn open(&mut self, scheme: &Scheme<'_>, text: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, TooDear> {
        if self.check.is_none() {
            for secret in Self::secrets(self.passwords) {
                let budget = &mut self.budget;
                if let Some(plain) = scheme.open(&secret, text, budget)?.filter(|plain| is_safe(plain)) {
                    return Ok(Some(plain));
                }
            }
            return Ok(None);
        }
        self.ask();
        match &self.fitting {
            Some(Err(dear)) => Err(*dear),
            Some(Ok(Some(secret))) => Ok(scheme.open(secret, text, &mut self.budget)?.filter(|plain| is_safe(plain))),
            Some(Ok(None)) | None => Ok(None),
        }
    }

    /// Whether the file's check says that it opens without a password, or with the empty one.
    pub(super) fn needs_none(&mut self) -> bool {
        self.ask();
        matches!(&self.fitting, Some(Ok(Some(secret))) if secret.is_empty())
    }

    /// Asks the file's check, once.
    fn ask(&mut self) {
        let Keyring { passwords, check: Some(check), data, budget, fitting: fitting @ None } = self else { return };
        let mut find = || {
            for secret in Self::secrets(passwords) {
                if check.fits(&secret, data, budget)? {
                    return Ok(Some(secret));
                }
            }
            Ok(None)
        };
        *fitting = Some(find());
    }
}

/// Whether decrypted bytes are one SEQUENCE of SEQUENCEs and nothing else.
fn is_safe(plain: &[u8]) -> bool {
    der::read(plain).is_some_and(|value| {
        value.tag == tag::SEQUENCE
            && value.total == plain.len()
            && matches!(value.content.first(), None | Some(&tag::SEQUENCE))
    })
}
