//! A password. No log or error message contains it.
//!
//! Invariant: `digest` is the SHA-256 of `text`.

use std::fmt;

use sha2::{Digest, Sha256};

/// Maximum length of a password, the same as for Redis' `masterauth`.
const SECRET_BYTES_MAX: usize = 512;

fn digest_of(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// A password, empty if none is set.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    digest: [u8; 32],
}

impl Secret {
    /// Wraps a password.
    ///
    /// # Errors
    /// The reason for a refusal, which never contains the password.
    pub fn new(text: &str) -> Result<Secret, String> {
        if text.len() > SECRET_BYTES_MAX {
            return Err(format!("a password can have at most {SECRET_BYTES_MAX} bytes"));
        }
        Ok(Secret { text: text.to_string(), digest: digest_of(text.as_bytes()) })
    }

    pub fn is_set(&self) -> bool {
        !self.text.is_empty()
    }

    /// The password itself. Only for `CONFIG GET`, for the config file, and to authenticate at
    /// other nodes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether `given` is this password.
    ///
    /// Compares all 32 bytes of the digests, so the time depends on the length of `given`, which
    /// its sender knows, and not on this password.
    pub fn matches(&self, given: &[u8]) -> bool {
        // No password is longer, and the limit bounds the work for each guess.
        if given.len() > SECRET_BYTES_MAX {
            return false;
        }
        let given = digest_of(given);
        let differences = self.digest.iter().zip(given).fold(0, |all, (own, other)| all | (own ^ other));
        // The optimizer does not see through this function; otherwise it might end the loop at the
        // first difference.
        self.is_set() && std::hint::black_box(differences) == 0
    }

    /// The digest as 64 hex digits, as `ACL LIST` shows it.
    pub fn digest(&self) -> String {
        self.digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Default for Secret {
    fn default() -> Secret {
        Secret { text: String::new(), digest: digest_of(b"") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.is_set() { "(set)" } else { "(none)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_password_matches() {
        let secret = Secret::new("a b").unwrap();
        assert!(secret.matches(b"a b"));
        for wrong in [&b""[..], b"a", b"a b ", b"A b", b"a c", &[b'a'; 513]] {
            assert!(!secret.matches(wrong), "{wrong:?}");
        }
        // Redis shows the same digest for this password.
        assert_eq!(secret.digest(), "c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65");
    }

    #[test]
    fn no_password_is_matched_by_nothing() {
        assert!(!Secret::default().matches(b""));
        assert_eq!(Secret::new("").unwrap(), Secret::default());
        assert!(Secret::new(&"x".repeat(513)).is_err());
    }

    #[test]
    fn a_password_stays_out_of_messages() {
        assert_eq!(format!("{:?}", Secret::new("hush").unwrap()), "(set)");
    }
}
