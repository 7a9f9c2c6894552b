//! The words of `ACL SETUSER`, one rule each.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::permissions::{CommandRule, Commands};

/// The length of a password's digest in hex digits.
const DIGEST_DIGITS: usize = 64;

/// The use of keys that a pattern allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatternUse {
    pub read: bool,
    pub write: bool,
}

impl PatternUse {
    pub const ALL: PatternUse = PatternUse { read: true, write: true };

    /// What stands before the pattern in a rule.
    pub(super) fn prefix(self) -> &'static [u8] {
        match (self.read, self.write) {
            (true, true) => b"~",
            (true, false) => b"%R~",
            (false, _) => b"%W~",
        }
    }
}

/// One rule, in the form that the log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    On,
    Off,
    NoPass,
    ResetPass,
    /// Every right and password is taken away, and the user is off.
    Reset,
    /// Accepted as in Redis; no payload is ever restored unchecked here.
    Sanitize(bool),
    /// The digest of a password in hex.
    AddPassword(String),
    RemovePassword(String),
    Command(CommandRule),
    AllKeys,
    ResetKeys,
    Key(PatternUse, Vec<u8>),
    AllChannels,
    ResetChannels,
    Channel(Vec<u8>),
    /// A selector with its own rules, of which only those about commands, keys and channels occur.
    Selector(Vec<Rule>),
    ClearSelectors,
}

/// The reason why a rule is refused, in Redis' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("Syntax error")]
    Syntax,
    #[error("Unknown command or category name in ACL")]
    Unknown,
    #[error("Allowing first-arg of a subcommand is not supported")]
    FirstArgument,
    #[error(
        "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
    )]
    Digest,
    #[error("The password you are trying to remove from the user does not exist")]
    NoSuchPassword,
    #[error(
        "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
    )]
    AfterAllKeys,
    #[error(
        "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
    )]
    AfterAllChannels,
}

/// The digest of a password in hex, as rules and `ACL LIST` show it.
pub fn digest_of(password: &[u8]) -> String {
    hex(&Sha256::digest(password))
}

/// Bytes as hex digits in lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Joins the words of each selector into one word: `(~a +get)` arrives as two words.
///
/// # Errors
/// The first word of a selector that has no end.
pub fn merge_selectors(words: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    let mut merged: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<(usize, Vec<u8>)> = None;
    for (at, word) in words.iter().enumerate() {
        let closes = word.last() == Some(&b')');
        match &mut open {
            None if word.first() == Some(&b'(') && !closes => open = Some((at, word.clone())),
            None => merged.push(word.clone()),
            Some((_, selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(word);
                if closes {
                    merged.extend(open.take().map(|(_, selector)| selector));
                }
            }
        }
    }
    match open {
        None => Ok(merged),
        Some((at, _)) => Err(words[at].clone()),
    }
}

impl Rule {
    /// Reads one word; a selector is one word with spaces ([`merge_selectors`]).
    pub fn parse(word: &[u8]) -> Result<Rule, RuleError> {
        if let Some(rule) = Rule::about_access(word)? {
            return Ok(rule);
        }
        match word {
            [b'>', password @ ..] => return Ok(Rule::AddPassword(digest_of(password))),
            [b'<', password @ ..] => return Ok(Rule::RemovePassword(digest_of(password))),
            [b'#', digest @ ..] => return checked_digest(digest).map(Rule::AddPassword),
            [b'!', digest @ ..] => return checked_digest(digest).map(Rule::RemovePassword),
            [b'(', inner @ .., b')'] => return selector(inner),
            _ => {}
        }
        Ok(match &word.to_ascii_lowercase()[..] {
            b"on" => Rule::On,
            b"off" => Rule::Off,
            b"nopass" => Rule::NoPass,
            b"resetpass" => Rule::ResetPass,
            b"reset" => Rule::Reset,
            b"sanitize-payload" => Rule::Sanitize(true),
            b"skip-sanitize-payload" => Rule::Sanitize(false),
            b"clearselectors" => Rule::ClearSelectors,
            _ => return Err(RuleError::Syntax),
        })
    }

    /// The number of rules, those inside a selector included.
    pub fn count(&self) -> usize {
        match self {
            Rule::Selector(rules) => 1 + rules.len(),
            _ => 1,
        }
    }

    /// The word of a rule about a password, a key or a channel; of the others, a part.
    pub fn describe(&self) -> Vec<u8> {
        match self {
            Rule::AddPassword(digest) => format!("#{digest}").into_bytes(),
            Rule::RemovePassword(digest) => format!("!{digest}").into_bytes(),
            Rule::Key(usage, pattern) => [usage.prefix(), pattern].concat(),
            Rule::Channel(pattern) => [b"&", &pattern[..]].concat(),
            Rule::Selector(rules) => {
                let inner: Vec<Vec<u8>> = rules.iter().map(Rule::describe).collect();
                [b"(", &inner.join(&b' ')[..], b")"].concat()
            }
            other => format!("{other:?}").to_ascii_lowercase().into_bytes(),
        }
    }

    /// A rule that a selector may hold; `None` for another word.
    fn about_access(word: &[u8]) -> Result<Option<Rule>, RuleError> {
        let all = |allow| Rule::Command(CommandRule { allow, what: Commands::All });
        match &word.to_ascii_lowercase()[..] {
            b"allkeys" => return Ok(Some(Rule::AllKeys)),
            b"resetkeys" => return Ok(Some(Rule::ResetKeys)),
            b"allchannels" => return Ok(Some(Rule::AllChannels)),
            b"resetchannels" => return Ok(Some(Rule::ResetChannels)),
            b"allcommands" => return Ok(Some(all(true))),
            b"nocommands" => return Ok(Some(all(false))),
            _ => {}
        }
        Ok(Some(match word {
            [sign @ (b'+' | b'-'), name @ ..] => {
                Rule::Command(CommandRule { allow: *sign == b'+', what: Commands::parse(name)? })
            }
            [b'~', pattern @ ..] => key(PatternUse::ALL, pattern)?,
            [b'%', rest @ ..] => {
                let tilde = rest.iter().position(|&byte| byte == b'~').ok_or(RuleError::Syntax)?;
                key(key_use(&rest[..tilde])?, &rest[tilde + 1..])?
            }
            b"&*" => Rule::AllChannels,
            [b'&', pattern @ ..] => Rule::Channel(checked_pattern(pattern)?),
            _ => return Ok(None),
        }))
    }
}

fn key(usage: PatternUse, pattern: &[u8]) -> Result<Rule, RuleError> {
    match pattern {
        b"*" if usage == PatternUse::ALL => Ok(Rule::AllKeys),
        pattern => Ok(Rule::Key(usage, checked_pattern(pattern)?)),
    }
}

/// Reads the letters between `%` and `~`.
fn key_use(letters: &[u8]) -> Result<PatternUse, RuleError> {
    let mut usage = PatternUse { read: false, write: false };
    for letter in letters.to_ascii_uppercase() {
        match letter {
            b'R' if !usage.read => usage.read = true,
            b'W' if !usage.write => usage.write = true,
            _ => return Err(RuleError::Syntax),
        }
    }
    if letters.is_empty() { Err(RuleError::Syntax) } else { Ok(usage) }
}

/// Spaces separate rules in `ACL LIST` and in files, so a pattern has none.
fn checked_pattern(pattern: &[u8]) -> Result<Vec<u8>, RuleError> {
    let is_refused = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    if pattern.iter().any(is_refused) { Err(RuleError::Syntax) } else { Ok(pattern.to_vec()) }
}

fn checked_digest(digest: &[u8]) -> Result<String, RuleError> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    match std::str::from_utf8(digest) {
        Ok(text) if digest.len() == DIGEST_DIGITS && digest.iter().all(is_digit) => Ok(text.to_owned()),
        _ => Err(RuleError::Digest),
    }
}

fn selector(inner: &[u8]) -> Result<Rule, RuleError> {
    let words = inner.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let rules: Result<Vec<Rule>, RuleError> =
        words.map(|word| Rule::about_access(word)?.ok_or(RuleError::Syntax)).collect();
    rules.map(Rule::Selector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_refused_as_in_redis() {
        let error = |word: &str| Rule::parse(word.as_bytes()).expect_err(word);
        for word in ["foo", "", ")", "(on)", "(foo)", "%X~a", "%~a", "%RR~a", "%R", "~a b", "&a b", "(>x)"] {
            assert_eq!(error(word), RuleError::Syntax, "{word}");
        }
        assert_eq!(error("#xx"), RuleError::Digest);
        assert_eq!(error(&format!("!{}", "A".repeat(64))), RuleError::Digest);
        assert_eq!(error("+config|get|x"), RuleError::FirstArgument);
        assert_eq!(Rule::parse(b"%wR~*"), Ok(Rule::AllKeys));
        assert_eq!(
            Rule::parse(b"%R~*"),
            Ok(Rule::Key(PatternUse { read: true, write: false }, b"*".to_vec()))
        );
        assert_eq!(Rule::parse(b"()"), Ok(Rule::Selector(Vec::new())));
    }

    #[test]
    fn a_password_becomes_its_digest() {
        let digest = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
        assert_eq!(Rule::parse(b">pw"), Ok(Rule::AddPassword(digest.to_owned())));
        assert_eq!(Rule::parse(format!("!{digest}").as_bytes()), Ok(Rule::RemovePassword(digest.to_owned())));
    }

    #[test]
    fn a_selector_may_be_spread_over_words() {
        let merge = |words: &[&str]| {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
            merge_selectors(&words)
        };
        assert_eq!(
            merge(&["on", "(~a", "+get)", "(+set)"]),
            Ok(vec![b"on".to_vec(), b"(~a +get)".to_vec(), b"(+set)".to_vec()])
        );
        assert_eq!(merge(&["(~a)", "(%"]), Err(b"(%".to_vec()));
    }
}
