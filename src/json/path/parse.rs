//! The grammar of a path's steps: names, indexes, slices, unions, wildcards, descendants.

use super::ast::{Function, Query, Segment, Selector, Slice};
use super::cursor::{Cursor, Fault, Parsed};
use super::expected::Expected;
use super::limits::UNION_MAX;
use crate::error::CommandError;

const UNION_TOO_LONG: CommandError = CommandError::fixed("ERR a union in the path is too long");

/// The characters that a name may have without quotes.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'`' | b'+' | b'#' | b'%' | b'$' | b'^' | b'/' | b':')
}

impl Cursor<'_> {
    /// Parses a path after its `$` or `@`.
    pub(super) fn query(&mut self, absolute: bool) -> Parsed<Query> {
        let mut segments = Vec::new();
        loop {
            self.skip_spaces();
            self.expect(if segments.is_empty() { Expected::ROOT } else { Expected::DESCENDANT });
            let begin = self.at();
            match self.segment() {
                Ok(Some(segment)) => segments.push(segment),
                Ok(None) => return Ok(Query { absolute, segments }),
                Err(fault) => {
                    self.expect_after_query(begin);
                    return Err(fault);
                }
            }
        }
    }

    fn segment(&mut self) -> Parsed<Option<Segment>> {
        let begin = self.at();
        if self.take(b"..") {
            self.skip_spaces();
            self.expect(Expected::NAME | Expected::WILDCARD);
            let selector = self.dotted()?;
            return Ok(Some(Segment::Descendant(selector)));
        }
        if self.take(b"[") {
            return self.bracketed().map(|selector| Some(Segment::Child(selector)));
        }
        if !self.take(b".") {
            return Ok(None);
        }
        self.skip_spaces();
        self.expect(Expected::NAME | Expected::FUNCTION | Expected::WILDCARD);
        if self.is_call() {
            self.back_to(begin);
            return Ok(None);
        }
        self.dotted().map(|selector| Some(Segment::Child(selector)))
    }

    /// Parses the selector after one or two dots.
    fn dotted(&mut self) -> Parsed<Selector> {
        if self.take(b"*") {
            return Ok(Selector::Wildcard);
        }
        if self.take(b"[") {
            return self.bracketed();
        }
        let name = self.take_while(is_name_byte);
        if name.is_empty() { Err(Fault::Syntax) } else { Ok(Selector::Name(name.into())) }
    }

    /// Whether a function call comes next, with any name.
    pub(super) fn is_call(&mut self) -> bool {
        let begin = self.at();
        let named = !self.function_name().is_empty();
        self.skip_spaces();
        let called = named && self.peek() == Some(b'(');
        self.back_to(begin);
        called
    }

    /// Whether a call of an existing function comes next.
    pub(super) fn is_function(&mut self) -> bool {
        let begin = self.at();
        let known = Function::named(self.function_name()).is_some();
        self.back_to(begin);
        known && self.is_call()
    }

    /// Consumes a function's name. If no name begins here, returns an empty one and consumes
    /// nothing.
    pub(super) fn function_name(&mut self) -> &[u8] {
        if self.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
            self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        } else {
            b""
        }
    }

    /// Parses the selector within brackets, and consumes the closing bracket.
    fn bracketed(&mut self) -> Parsed<Selector> {
        self.skip_spaces();
        let begin = self.at();
        let selector = match self.peek() {
            Some(b'?') => {
                self.take(b"?");
                Selector::Filter(Box::new(self.filter()?))
            }
            Some(b'\'' | b'"') => self.names(begin)?,
            Some(b'-' | b':' | b'0'..=b'9') => self.numbers(begin)?,
            Some(b'*') => {
                self.expect(Expected::NAMES | Expected::NUMBER | Expected::SLICE);
                self.take(b"*");
                Selector::Wildcard
            }
            _ => return self.no_selector(begin),
        };
        self.need(b"]")?;
        Ok(selector)
    }

    fn no_selector<T>(&mut self, begin: usize) -> Parsed<T> {
        self.fail(begin, Expected::NAMES | Expected::NUMBER | Expected::SLICE | Expected::WILDCARD)
    }

    fn names(&mut self, begin: usize) -> Parsed<Selector> {
        let Some(first) = self.quoted(false) else { return self.no_selector(begin) };
        self.expect_at(begin, Expected::NUMBER | Expected::SLICE);
        let mut names = vec![first.into_boxed_slice()];
        while self.comma() {
            let Some(name) = self.quoted(false) else { return self.fail(self.at(), Expected::NAME) };
            names.push(name.into_boxed_slice());
            union_of(names.len())?;
        }
        Ok(match names.len() {
            1 => Selector::Name(names.swap_remove(0)),
            _ => Selector::Names(names),
        })
    }

    fn numbers(&mut self, begin: usize) -> Parsed<Selector> {
        let first = self.whole();
        self.skip_spaces();
        if self.peek() == Some(b':') {
            return self.slice(first).map(Selector::Slice);
        }
        let Some(first) = first else { return self.no_selector(begin) };
        self.expect_at(begin, Expected::SLICE);
        let mut indexes = vec![first];
        while self.comma() {
            let Some(index) = self.whole() else { return self.fail(self.at(), Expected::NUMBER) };
            indexes.push(index);
            union_of(indexes.len())?;
        }
        Ok(if indexes.len() == 1 { Selector::Index(first) } else { Selector::Indexes(indexes) })
    }

    fn slice(&mut self, start: Option<i64>) -> Parsed<Slice> {
        self.need(b":")?;
        self.skip_spaces();
        let end = self.whole();
        if end.is_none() {
            self.expect(Expected::NUMBER);
        }
        self.skip_spaces();
        let mut step = 1;
        if self.take(b":") {
            self.skip_spaces();
            let begin = self.at();
            step = match self.whole() {
                Some(step) if step > 0 => usize::try_from(step).unwrap_or(usize::MAX),
                None if self.peek() == Some(b']') => 1,
                _ => return self.fail(begin, Expected::STEP),
            };
        }
        Ok(Slice { start, end, step })
    }

    /// Parses a whole number with an optional minus. A number beyond the range of i64 is clamped.
    fn whole(&mut self) -> Option<i64> {
        let begin = self.at();
        let negative = self.take(b"-");
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            self.back_to(begin);
            return None;
        }
        let size = digits
            .iter()
            .fold(0i64, |size, digit| size.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
        Some(if negative { -size } else { size })
    }

    pub(super) fn comma(&mut self) -> bool {
        self.skip_spaces();
        let found = self.take(b",");
        self.skip_spaces();
        found
    }
}

fn union_of(len: usize) -> Parsed<()> {
    if len > UNION_MAX { Err(Fault::Limit(UNION_TOO_LONG)) } else { Ok(()) }
}
