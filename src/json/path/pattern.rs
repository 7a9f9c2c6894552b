//! Regular expressions in paths.
//!
//! Invariants:
//! * a pattern is compiled once, within a bounded size; one that fails matches nothing, and is not tried again;
//! * `=~` and `search` look anywhere in the text, `match` asks for the whole text.

use regex::{Regex, RegexBuilder};

use super::fuel::Fuel;
use super::limits::{PATTERN_BYTES_MAX, PATTERN_PROGRAM_BYTES_MAX, SEARCHED_BYTES_PER_FUEL};
use crate::error::Answer;

/// The deepest nesting within a pattern: the compiler recurses as deep.
const PATTERN_NESTING_MAX: u32 = 64;

/// A pattern that has been compiled, or has failed to.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Box<[u8]>,
    whole: bool,
    compiled: Option<Regex>,
}

impl Pattern {
    pub fn compile(text: &[u8], whole: bool) -> Pattern {
        Pattern { text: text.into(), whole, compiled: Pattern::regex(text, whole) }
    }

    fn regex(text: &[u8], whole: bool) -> Option<Regex> {
        if text.len() > PATTERN_BYTES_MAX {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let anchored;
        let source = match whole {
            true => {
                anchored = format!("^(?:{})$", without_line_ends(text));
                anchored.as_str()
            }
            false => text,
        };
        RegexBuilder::new(source)
            .size_limit(PATTERN_PROGRAM_BYTES_MAX)
            .dfa_size_limit(PATTERN_PROGRAM_BYTES_MAX)
            .nest_limit(PATTERN_NESTING_MAX)
            .build()
            .ok()
    }

    pub fn is_for(&self, text: &[u8], whole: bool) -> bool {
        self.whole == whole && *self.text == *text
    }

    /// Whether `text` has what the pattern asks for; the search is linear in the text.
    pub fn finds(&self, text: &[u8], fuel: &mut Fuel) -> Result<bool, Answer> {
        fuel.spend(1 + (text.len() / SEARCHED_BYTES_PER_FUEL) as u64)?;
        let (Some(regex), Ok(text)) = (&self.compiled, std::str::from_utf8(text)) else { return Ok(false) };
        Ok(regex.is_match(text))
    }
}

/// I-Regexp's `.` is any character but `\n` and `\r`; the regex crate's stops at `\n` alone.
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
