//! The parser's state: its position in the text, and the rules that it tried at the furthest
//! position.
//!
//! Invariants:
//! * the parser backtracks over at most one token, so its time is linear in the path;
//! * every recursion calls [`Cursor::enter`], so [`GROUP_NESTING_MAX`] bounds its depth.

use super::expected::{Expected, Furthest};
use super::limits::{FILTER_NESTING_MAX, GROUP_NESTING_MAX};
use crate::error::CommandError;

/// The reason why a path cannot be parsed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The path breaks the grammar; the cursor holds the position.
    Syntax,
    /// The path exceeds a limit.
    Limit(CommandError),
}

pub(super) type Parsed<T> = Result<T, Fault>;

pub(super) const TOO_DEEP: CommandError = CommandError::fixed("ERR recursion limit exceeded");
const FILTERS_TOO_DEEP: CommandError = CommandError::fixed("ERR the path nests filters too deeply");

pub(super) struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    furthest: Furthest,
    depth: usize,
    filters: usize,
    pub(super) patterns: usize,
}

impl<'t> Cursor<'t> {
    pub fn new(text: &'t [u8]) -> Cursor<'t> {
        Cursor { text, at: 0, furthest: Furthest::default(), depth: 0, filters: 0, patterns: 0 }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    /// Moves back to where a token began.
    ///
    /// # Panics
    /// If `at` is after the current position.
    pub fn back_to(&mut self, at: usize) {
        assert!(at <= self.at, "the cursor only moves back");
        self.at = at;
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub fn rest(&self) -> &'t [u8] {
        &self.text[self.at..]
    }

    pub fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    pub fn skip_spaces(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Consumes `token` if it comes next, and returns whether it did.
    pub fn take(&mut self, token: &[u8]) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Skips spaces and consumes `token`, or fails. A failure records no rule, because error texts
    /// list rules and not tokens.
    pub fn need(&mut self, token: &[u8]) -> Parsed<()> {
        self.skip_spaces();
        if self.take(token) { Ok(()) } else { Err(Fault::Syntax) }
    }

    /// Consumes bytes while `wanted` holds for them.
    pub fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'t [u8] {
        let rest = self.rest();
        let len = rest.iter().position(|&byte| !wanted(byte)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// Records these rules as possible at the current position.
    pub fn expect(&mut self, expected: Expected) {
        self.furthest.expect(self.at, expected);
    }

    /// Records these rules as tried at `at`: a token began there that another rule then consumed.
    pub fn expect_at(&mut self, at: usize, expected: Expected) {
        self.furthest.expect(at, expected);
    }

    /// Records these rules as possible at `at`, and fails.
    pub fn fail<T>(&mut self, at: usize, expected: Expected) -> Parsed<T> {
        self.furthest.expect(at, expected);
        Err(Fault::Syntax)
    }

    pub fn set_expected_only_at(&mut self, at: usize, expected: Expected) {
        self.furthest.set_only_at(at, expected);
    }

    pub fn add_expected_only_at(&mut self, at: usize, expected: Expected) {
        self.furthest.add_only_at(at, expected);
    }

    /// Records the rules that can follow a query as possible at `at`, where an invalid step begins.
    pub fn expect_after_query(&mut self, at: usize) {
        let value = Expected::SUM.with(Expected::PRODUCT).with(Expected::METHOD).with(Expected::KEYS);
        let condition = Expected::RELATION.with(Expected::AND).with(Expected::OR);
        let around = if self.filters == 0 { Expected::END } else { condition };
        self.furthest.expect(at, value.with(around));
    }

    pub fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > GROUP_NESTING_MAX { Err(Fault::Limit(TOO_DEEP)) } else { Ok(()) }
    }

    pub fn leave(&mut self) {
        assert!(self.depth > 0, "leave is called once for each enter");
        self.depth -= 1;
    }

    pub fn enter_filter(&mut self) -> Parsed<()> {
        self.enter()?;
        self.filters += 1;
        if self.filters > FILTER_NESTING_MAX { Err(Fault::Limit(FILTERS_TOO_DEEP)) } else { Ok(()) }
    }

    pub fn is_in_filter(&self) -> bool {
        self.filters > 0
    }

    pub fn leave_filter(&mut self) {
        assert!(self.filters > 0, "every leave follows an enter");
        self.leave();
        self.filters -= 1;
    }

    pub fn command_error(&self, fault: Fault) -> CommandError {
        match fault {
            Fault::Syntax => self.furthest.command_error(),
            Fault::Limit(error) => error,
        }
    }
}
