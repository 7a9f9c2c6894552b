//! One user.

use serde::{Deserialize, Serialize};

use super::permissions::Permissions;
use super::rule::{Rule, RuleError, digest_of};

/// Maximum length of a password that is compared; a longer one is wrong. The limit bounds the work
/// for each guess.
const GUESS_BYTES_MAX: usize = 512;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub enabled: bool,
    /// Whether every password is right.
    pub nopass: bool,
    /// What was said about payloads; `None` for nothing, which means the same as `Some(true)`.
    pub sanitizes: Option<bool>,
    /// The digests of the passwords, in hex.
    pub passwords: Vec<String>,
    pub own: Permissions,
    pub selectors: Vec<Permissions>,
}

impl User {
    /// A user that may do nothing, as `ACL SETUSER` creates it.
    pub fn new() -> User {
        User {
            enabled: false,
            nopass: false,
            sanitizes: None,
            passwords: Vec::new(),
            own: Permissions::default(),
            selectors: Vec::new(),
        }
    }

    /// The user `default` before any rule changes it.
    pub fn all_powerful() -> User {
        User { enabled: true, nopass: true, own: Permissions::everything(), ..User::new() }
    }

    /// Applies one rule.
    ///
    /// # Errors
    /// The reason for a refusal. Earlier rules of the same request have changed the user then, so
    /// the caller works on a copy.
    pub fn apply(&mut self, rule: &Rule) -> Result<(), RuleError> {
        match rule {
            Rule::On => self.enabled = true,
            Rule::Off => self.enabled = false,
            Rule::NoPass => (self.nopass, self.passwords) = (true, Vec::new()),
            Rule::ResetPass => (self.nopass, self.passwords) = (false, Vec::new()),
            Rule::Reset => *self = User { sanitizes: Some(true), ..User::new() },
            Rule::Sanitize(wanted) => self.sanitizes = Some(*wanted),
            Rule::AddPassword(digest) => {
                if !self.passwords.contains(digest) {
                    self.passwords.push(digest.clone());
                }
                self.nopass = false;
            }
            Rule::RemovePassword(digest) => {
                let at = self.passwords.iter().position(|known| known == digest);
                self.passwords.remove(at.ok_or(RuleError::NoSuchPassword)?);
            }
            Rule::Selector(rules) => {
                let mut selector = Permissions::default();
                rules.iter().try_for_each(|rule| selector.apply(rule))?;
                self.selectors.push(selector);
            }
            Rule::ClearSelectors => self.selectors.clear(),
            access => return self.own.apply(access),
        }
        Ok(())
    }

    /// Whether a client with this password may be this user.
    ///
    /// Compares all bytes of every digest, so that the time tells nothing about the passwords.
    pub fn admits(&self, password: &[u8]) -> bool {
        if !self.enabled || password.len() > GUESS_BYTES_MAX {
            return false;
        }
        let given = digest_of(password);
        let is_equal = |known: &String| {
            let bytes = known.bytes().zip(given.bytes());
            std::hint::black_box(bytes.fold(0, |all, (one, other)| all | (one ^ other))) == 0
        };
        let matching = self.passwords.iter().filter(|known| is_equal(known)).count();
        self.nopass || matching > 0
    }

    /// Whether a client needs no password to be this user.
    pub fn admits_everybody(&self) -> bool {
        self.enabled && self.nopass
    }

    /// The number of rules that the user holds: passwords, commands, patterns and selectors.
    pub fn rules(&self) -> usize {
        let held = |one: &Permissions| 1 + one.commands.len() + one.keys.len() + one.channels.len();
        self.passwords.len() + held(&self.own) + self.selectors.iter().map(held).sum::<usize>()
    }

    /// Whether no request has to be checked.
    pub fn allows_everything(&self) -> bool {
        self.own.allows_everything()
    }

    /// The flags, as `ACL GETUSER` and `ACL LIST` show them.
    pub fn flags(&self) -> Vec<&'static str> {
        let mut flags = vec![if self.enabled { "on" } else { "off" }];
        if self.nopass {
            flags.push("nopass");
        }
        match self.sanitizes {
            Some(true) => flags.push("sanitize-payload"),
            Some(false) => flags.push("skip-sanitize-payload"),
            None => {}
        }
        flags
    }

    /// The rules that make an equal user, as `ACL LIST` shows them after the name.
    pub fn describe(&self) -> Vec<u8> {
        let flags = self.flags().into_iter().map(|flag| flag.as_bytes().to_vec());
        let passwords = self.passwords.iter().map(|digest| format!("#{digest}").into_bytes());
        let own = std::iter::once(self.own.describe());
        let selectors = self.selectors.iter().map(|one| [b"(", &one.describe()[..], b")"].concat());
        flags.chain(passwords).chain(own).chain(selectors).collect::<Vec<_>>().join(&b' ')
    }
}

impl Default for User {
    fn default() -> User {
        User::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::merge_selectors;

    fn made(start: User, rules: &str) -> Result<User, RuleError> {
        let words: Vec<Vec<u8>> = rules.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let mut user = start;
        for word in merge_selectors(&words).expect("selectors end") {
            user.apply(&Rule::parse(&word)?)?;
        }
        Ok(user)
    }

    fn shown(rules: &str) -> String {
        String::from_utf8(made(User::new(), rules).expect(rules).describe()).expect("the rules are text")
    }

    /// The descriptions are those of Redis 7 for the same rules.
    #[test]
    fn users_are_described_as_in_redis() {
        let digest = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
        let rules = "on >pw ~app:* %R~ro:* &ev:* +@read +config|get -keys (~x:* &y +set)";
        let wanted = format!(
            "on #{digest} ~app:* %R~ro:* resetchannels &ev:* -@all +@read +config|get -keys (~x:* resetchannels &y -@all +set)"
        );
        assert_eq!(shown(rules), wanted);
        assert_eq!(shown("off"), "off resetchannels -@all");
        assert_eq!(shown("reset on nopass"), "on nopass sanitize-payload resetchannels -@all");
        assert_eq!(
            shown("%W~a %R~a %RW~b skip-sanitize-payload"),
            "off skip-sanitize-payload ~a ~b resetchannels -@all"
        );
        assert_eq!(
            shown("+@all -config|set -config +config|get"),
            "off resetchannels +@all -config +config|get"
        );
        assert_eq!(shown("+get -get +get -@all ()"), "off resetchannels -@all (resetchannels -@all)");
        let default = User::all_powerful();
        assert_eq!(default.describe(), b"on nopass ~* &* +@all");
    }

    #[test]
    fn a_description_read_as_rules_gives_an_equal_user() {
        for rules in [
            "on >a >b ~x %R~y &c +@read -get +config|get",
            "nopass allkeys allchannels allcommands -@dangerous",
            "reset (~a +get) (%W~b -@all +@write) on",
        ] {
            let user = made(User::new(), rules).expect(rules);
            let again = String::from_utf8(user.describe()).expect("the rules are text");
            assert_eq!(made(User::new(), &again), Ok(user), "{again}");
        }
    }

    #[test]
    fn refused_rules_have_the_reasons_of_redis() {
        let error = |rules: &str| made(User::new(), rules).expect_err(rules);
        assert_eq!(error("~* ~x"), RuleError::AfterAllKeys);
        assert_eq!(error("&* &x"), RuleError::AfterAllChannels);
        assert_eq!(error("<nope"), RuleError::NoSuchPassword);
        assert_eq!(error("(~* ~x)"), RuleError::AfterAllKeys);
    }

    #[test]
    fn only_an_enabled_user_with_the_right_password_is_admitted() {
        let user = |rules| made(User::new(), rules).expect(rules);
        assert!(user("on >a >b").admits(b"b") && user("on nopass").admits(b"anything"));
        for (rules, password) in [("on >a", "b"), ("off >a", "a"), ("off nopass", "a"), ("on", "")] {
            assert!(!user(rules).admits(password.as_bytes()), "{rules}");
        }
        assert!(!user("on nopass").admits(&[b'x'; GUESS_BYTES_MAX + 1]));
        let mut spaced = User { enabled: true, ..User::new() };
        spaced.passwords.push(digest_of(b"a b"));
        assert!(spaced.admits(b"a b"));
        for wrong in [&b""[..], b"a", b"a b ", b"A b", b"a c", &[b'a'; 513]] {
            assert!(!spaced.admits(wrong), "{wrong:?}");
        }
    }
}
