//! Regular expressions in paths.
//!
//! Invariants:
//! * a compiled pattern has a bounded size, and a pattern that fails to compile matches nothing;
//! * a literal pattern is compiled once, by the parser; a computed one is compiled again only if
//!   the evaluation has compiled another one in between;
//! * `=~` and `search` match anywhere in the text, `match` matches the whole text.

use regex::{Regex, RegexBuilder};

use super::limits::Fuel;
use super::limits::{PATTERN_BYTES_MAX, PATTERN_PROGRAM_BYTES_MAX, PATTERN_SIZES};
use crate::error::CommandError;

/// Maximum nesting within a pattern, which is also the depth of the regex compiler's recursion.
const PATTERN_NESTING_MAX: u32 = 64;

/// The part of a text that a pattern has to match, and the dialect in which it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// `=~`: any part of the text; the dialect is that of the regex crate.
    Like,
    /// `search`: any part of the text; the dialect is I-Regexp (RFC 9485).
    Search,
    /// `match`: the whole text; the dialect is I-Regexp.
    Match,
}

/// A pattern, compiled; or one that failed to compile and matches nothing.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Box<[u8]>,
    reach: Reach,
    compiled: Option<Regex>,
    /// Fuel for each searched byte.
    weight: u64,
}

impl Pattern {
    pub fn compile(text: &[u8], reach: Reach) -> Pattern {
        let (compiled, weight) =
            Pattern::regex(text, reach).map_or((None, 1), |(regex, weight)| (Some(regex), weight));
        Pattern { text: text.into(), reach, compiled, weight }
    }

    fn regex(text: &[u8], reach: Reach) -> Option<(Regex, u64)> {
        if text.len() > PATTERN_BYTES_MAX {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let source = match reach {
            Reach::Like => text.to_owned(),
            Reach::Search => without_line_ends(text),
            Reach::Match => format!("^(?:{})$", without_line_ends(text)),
        };
        PATTERN_SIZES.iter().find_map(|&(size, weight)| {
            let mut builder = RegexBuilder::new(&source);
            builder
                .size_limit(size)
                .dfa_size_limit(PATTERN_PROGRAM_BYTES_MAX)
                .nest_limit(PATTERN_NESTING_MAX);
            Some((builder.build().ok()?, weight))
        })
    }

    pub fn is_for(&self, text: &[u8], reach: Reach) -> bool {
        self.reach == reach && *self.text == *text
    }

    /// Whether the pattern matches `text`. The search takes time linear in the text.
    pub fn finds(&self, text: &[u8], fuel: &mut Fuel) -> Result<bool, CommandError> {
        fuel.spend(1 + self.weight.saturating_mul(text.len() as u64))?;
        let (Some(regex), Ok(text)) = (&self.compiled, std::str::from_utf8(text)) else { return Ok(false) };
        Ok(regex.is_match(text))
    }
}

/// Rewrites `.` as in I-Regexp: any character except `\n` and `\r`. In the regex crate, `.`
/// excludes only `\n`.
fn without_line_ends(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut class = false;
    let mut escaped = false;
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '.' if !class => {
                out.push_str("[^\\n\\r]");
                continue;
            }
            _ => {}
        }
        out.push(letter);
    }
    out
}
