//! Parses literals (quoted text, numbers, arrays and objects) into encoded values.

use super::cursor::{Cursor, Fault, Parsed};
use super::expected::Expected;
use crate::json::{Builder, Kind};

impl Cursor<'_> {
    /// Parses a literal into its encoding. If no literal begins here, returns `None` and consumes
    /// nothing.
    pub(super) fn literal(&mut self, pattern: bool) -> Parsed<Option<Box<[u8]>>> {
        let mut out = Builder::new();
        Ok(self.append_literal(&mut out, pattern)?.then(|| out.into_bytes().into_boxed_slice()))
    }

    fn append_literal(&mut self, out: &mut Builder, pattern: bool) -> Parsed<bool> {
        match self.peek() {
            Some(b'\'' | b'"') => match self.quoted(pattern) {
                Some(text) => out.text(&text),
                None => return Ok(false),
            },
            Some(b'-' | b'0'..=b'9') => return Ok(self.number(out)),
            Some(b'[') => self.array(out)?,
            Some(b'{') => self.object(out)?,
            Some(b't') if self.word(b"true") => out.bool(true),
            Some(b'f') if self.word(b"false") => out.bool(false),
            Some(b'n') if self.word(b"null") => out.null(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Consumes `word` unless a longer word begins with it.
    pub(super) fn word(&mut self, word: &[u8]) -> bool {
        let longer =
            self.rest().get(word.len()).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        !longer && self.take(word)
    }

    fn array(&mut self, out: &mut Builder) -> Parsed<()> {
        self.enter()?;
        let open = out.open(Kind::Array, self.rest().len());
        self.take(b"[");
        self.skip_spaces();
        if !self.take(b"]") {
            loop {
                if !self.append_literal(out, false)? {
                    return self.fail(self.at(), Expected::OPERAND);
                }
                if !self.comma() {
                    break;
                }
            }
            self.need(b"]")?;
        }
        out.close(open);
        self.leave();
        Ok(())
    }

    fn object(&mut self, out: &mut Builder) -> Parsed<()> {
        self.enter()?;
        let mut members: Vec<(Vec<u8>, Box<[u8]>)> = Vec::new();
        self.take(b"{");
        self.skip_spaces();
        if !self.take(b"}") {
            loop {
                let Some(key) = self.quoted(false) else { return self.fail(self.at(), Expected::NAME) };
                self.need(b":")?;
                self.skip_spaces();
                let Some(value) = self.literal(false)? else {
                    return self.fail(self.at(), Expected::OPERAND);
                };
                members.push((key, value));
                if !self.comma() {
                    break;
                }
            }
            self.need(b"}")?;
        }
        let open = out.open(Kind::Object, self.at());
        for (at, (key, _)) in members.iter().enumerate() {
            // A repeated key keeps its first position and its last value, as in a document. A
            // linear search suffices, because a path is short.
            if members[..at].iter().all(|earlier| earlier.0 != *key)
                && let Some((_, value)) = members.iter().rfind(|later| later.0 == *key)
            {
                out.text(key);
                out.raw(value);
            }
        }
        out.close(open);
        self.leave();
        Ok(())
    }

    /// Parses a number without an exponent. RedisJSON does not accept exponents in paths either.
    fn number(&mut self, out: &mut Builder) -> bool {
        let begin = self.at();
        let start = self.rest();
        self.take(b"-");
        let digits = self.take_while(|byte| byte.is_ascii_digit()).len();
        let fraction = self.fraction();
        if digits == 0 {
            self.back_to(begin);
            return false;
        }
        let Ok(text) = std::str::from_utf8(&start[..self.at() - begin]) else { return false };
        match (fraction, text.parse::<i64>(), text.parse::<u64>(), text.parse::<f64>()) {
            (false, Ok(whole), _, _) => out.int(whole),
            (false, _, Ok(whole), _) => out.uint(whole),
            (_, _, _, Ok(number)) if number.is_finite() => out.float(number),
            _ => {
                self.back_to(begin);
                return false;
            }
        }
        true
    }

    /// Parses a dot and the digits after it. A dot without digits is left, because it may begin a
    /// method.
    fn fraction(&mut self) -> bool {
        let begin = self.at();
        let found = self.take(b".") && !self.take_while(|byte| byte.is_ascii_digit()).is_empty();
        if !found {
            self.back_to(begin);
        }
        found
    }

    /// Parses quoted text and unescapes it. If the closing quote is missing or an escape is
    /// invalid, returns `None` and consumes nothing.
    ///
    /// In a `pattern`, only quotes and backslashes are unescaped; other escapes belong to the
    /// pattern.
    pub(super) fn quoted(&mut self, pattern: bool) -> Option<Vec<u8>> {
        let begin = self.at();
        let text = self.quoted_body(pattern);
        if text.is_none() {
            self.back_to(begin);
        }
        text
    }

    fn quoted_body(&mut self, pattern: bool) -> Option<Vec<u8>> {
        let quote = self.peek().filter(|byte| matches!(byte, b'\'' | b'"'))?;
        self.take(&[quote]);
        let mut out = Vec::new();
        loop {
            out.extend_from_slice(self.take_while(|byte| byte != quote && byte != b'\\'));
            if self.take(&[quote]) {
                return Some(out);
            }
            if !self.take(b"\\") {
                return None;
            }
            let escaped = self.peek()?;
            self.take(&[escaped]);
            match escaped {
                b'\\' | b'\'' | b'"' => out.push(escaped),
                _ if pattern => out.extend_from_slice(&[b'\\', escaped]),
                b'b' => out.push(0x08),
                b'f' => out.push(0x0c),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'/' => out.push(b'/'),
                b'u' => self.unicode(&mut out).ok()?,
                other => out.extend_from_slice(&[b'\\', other]),
            }
        }
    }

    /// Parses the four hexadecimal digits after `\u`, and the second half of a surrogate pair if
    /// they are its first.
    fn unicode(&mut self, out: &mut Vec<u8>) -> Parsed<()> {
        let mut code = self.four_digits()?;
        if (0xd800..0xdc00).contains(&code) {
            if !self.take(b"\\u") {
                return Err(Fault::Syntax);
            }
            let low = self.four_digits()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(Fault::Syntax);
            }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        let letter = char::from_u32(code).ok_or(Fault::Syntax)?;
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn four_digits(&mut self) -> Parsed<u32> {
        let digits = self.rest().get(..4).ok_or(Fault::Syntax)?;
        let mut code = 0;
        for &digit in digits {
            code = code * 16 + char::from(digit).to_digit(16).ok_or(Fault::Syntax)?;
        }
        self.take(digits);
        Ok(code)
    }
}
