//! Matches glob patterns with Redis' semantics: `*`, `?`, `[a-z]`, `[^a]`, and a backslash before a
//! literal.
//!
//! A match has a step budget linear in the lengths of pattern and text, so that no pattern can keep
//! the server busy for long.

use crate::error::CommandError;

/// Steps allowed per byte of pattern and text. Ordinary patterns take two or three steps per byte;
/// a hostile one would take a number of steps per byte that grows with the length of the text.
const STEPS_PER_BYTE: usize = 16;
/// Steps that are always allowed, so that short patterns never fail on short texts.
const STEPS_BASE: usize = 4096;

/// The error for a pattern that takes too many steps.
pub const TOO_HARD: CommandError = CommandError::fixed("ERR the pattern takes too many steps to match");

/// Whether `pattern` matches the whole of `text`.
///
/// # Errors
/// [`TOO_HARD`] if the step budget is exhausted.
pub fn matches(pattern: &[u8], text: &[u8]) -> Result<bool, CommandError> {
    let (mut at, mut pos) = (0, 0);
    let mut steps = STEPS_BASE + STEPS_PER_BYTE * (pattern.len() + text.len());
    // The position at which to resume after a mismatch: after the last star in the pattern, and one
    // byte further in the text.
    let mut retry: Option<(usize, usize)> = None;
    while pos < text.len() {
        steps = steps.checked_sub(1).ok_or(TOO_HARD)?;
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            if at == pattern.len() {
                return Ok(true);
            }
            retry = Some((at, pos));
        } else if let Some(next) = one(pattern, at, text[pos]) {
            at = next;
            pos += 1;
        } else if let Some((star, from)) = retry {
            at = star;
            pos = from + 1;
            retry = Some((star, pos));
        } else {
            return Ok(false);
        }
    }
    Ok(pattern[at..].iter().all(|&byte| byte == b'*'))
}

/// Matches one byte against the next element of the pattern. Returns the end of the element if it
/// matches.
fn one(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match *pattern.get(at)? {
        b'?' => Some(at + 1),
        b'[' => class(pattern, at + 1, byte),
        b'\\' if at + 1 < pattern.len() => (pattern[at + 1] == byte).then_some(at + 2),
        literal => (literal == byte).then_some(at + 1),
    }
}

/// Matches one byte against a class whose content begins at `at`. A class that is not closed
/// extends to the end of the pattern.
fn class(pattern: &[u8], mut at: usize, byte: u8) -> Option<usize> {
    let negated = pattern.get(at) == Some(&b'^');
    at += usize::from(negated);
    let mut found = false;
    while at < pattern.len() && pattern[at] != b']' {
        if pattern[at] == b'\\' && at + 1 < pattern.len() {
            found |= pattern[at + 1] == byte;
            at += 2;
        } else if pattern.get(at + 1) == Some(&b'-') && at + 2 < pattern.len() {
            let (low, high) = (pattern[at].min(pattern[at + 2]), pattern[at].max(pattern[at + 2]));
            found |= (low..=high).contains(&byte);
            at += 3;
        } else {
            found |= pattern[at] == byte;
            at += 1;
        }
    }
    (found != negated).then_some((at + 1).min(pattern.len()))
}

#[cfg(test)]
mod tests {
    use super::{TOO_HARD, matches};

    #[test]
    fn patterns_match_as_in_redis() {
        let cases: &[(&str, &str, bool)] = &[
            ("*", "", true),
            ("*", "anything", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("[", "x", false),
            ("a*b*c", "a_b_b_c", true),
            ("a*b*c", "a_b_b_d", false),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), Ok(*expected), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_exhaust_the_budget_and_not_the_server() {
        let stars = "*".to_string() + &"a".repeat(30_000) + "b";
        assert_eq!(matches(stars.as_bytes(), &[b'a'; 100_000]), Err(TOO_HARD));
        let pattern = "a*".repeat(40) + "b";
        assert_eq!(matches(pattern.as_bytes(), &[b'a'; 2000]), Ok(false));
    }
}
