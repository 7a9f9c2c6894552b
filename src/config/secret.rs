//! A password. No log or error message contains it.

use std::fmt;

use crate::acl::digest_of;

/// Maximum length of a password, the same as for Redis' `masterauth`.
const SECRET_BYTES_MAX: usize = 512;

/// A password, empty if none is set.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret {
    text: String,
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
        Ok(Secret { text: text.to_string() })
    }

    pub fn is_set(&self) -> bool {
        !self.text.is_empty()
    }

    /// The password itself. Only for `CONFIG GET`, for the config file, and to authenticate at
    /// other nodes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The digest as 64 hex digits, as `ACL LIST` shows it.
    pub fn digest(&self) -> String {
        digest_of(self.text.as_bytes())
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
    fn the_digest_is_that_of_redis() {
        let secret = Secret::new("a b").unwrap();
        assert_eq!(secret.digest(), "c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65");
    }

    #[test]
    fn an_empty_password_is_none_and_a_long_one_is_refused() {
        assert_eq!(Secret::new("").unwrap(), Secret::default());
        assert!(Secret::new(&"x".repeat(513)).is_err());
    }

    #[test]
    fn a_password_stays_out_of_messages() {
        assert_eq!(format!("{:?}", Secret::new("hush").unwrap()), "(set)");
    }
}
