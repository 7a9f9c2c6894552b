//! The fast parser: one pass over the text that writes the encoding directly.
//!
//! Almost no object repeats a key, so the reader collects only a *fingerprint* of each key. It
//! compares the keys themselves if two fingerprints are equal or there are too many of them. That
//! comparison takes linear time, so a text with colliding fingerprints costs little more than
//! another.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use super::numeral::{Numeral, scan};
use crate::json::build::{Builder, Open};
use crate::json::limits::DEPTH_MAX;
use crate::json::run::plain_run;
use crate::json::value::{Kind, Members};

/// The reason why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The text is not JSON; serde_json's message has the reason.
    Syntax,
    /// The container that opens at this offset exceeds the depth limit.
    Deep(usize),
    /// The text or its encoding exceeds the size limit.
    Large,
}

type Read = Result<(), Fault>;

/// Maximum growth from text to encoding: `-0,` has 3 bytes and becomes a `Float` of 9.
const GROWTH_MAX: usize = 3;

/// Up to this number of keys, comparing each fingerprint with all earlier ones is cheaper than a
/// hash table.
const FINGERPRINTS_MAX: usize = 32;

pub(super) struct Reader<'t, 'o> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    out: &'o mut Builder,
    /// The fingerprints of the keys of all open objects, innermost last.
    fingerprints: Vec<u64>,
    scratch: Vec<u8>,
}

impl<'t, 'o> Reader<'t, 'o> {
    pub fn new(text: &'t [u8], out: &'o mut Builder) -> Reader<'t, 'o> {
        Reader { text, at: 0, depth: 0, out, fingerprints: Vec::new(), scratch: Vec::new() }
    }

    pub fn document(mut self) -> Read {
        let begin = self.out.len();
        self.value()?;
        let trailing = self.token();
        assert!(
            self.out.len() - begin <= self.text.len() * GROWTH_MAX + 8,
            "the encoding is no longer than the maximum growth allows"
        );
        if trailing == 0 && self.at == self.text.len() { Ok(()) } else { Err(Fault::Syntax) }
    }

    /// The current byte; 0 at the end of the text, because no token of JSON begins with it.
    #[inline]
    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Skips white space and returns the first byte of the next token.
    #[inline]
    fn token(&mut self) -> u8 {
        loop {
            match self.byte() {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return byte,
            }
        }
    }

    fn value(&mut self) -> Read {
        match self.token() {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b'{' => self.object(),
            b'[' => self.array(),
            b't' => self.word(b"true", |out| out.bool(true)),
            b'f' => self.word(b"false", |out| out.bool(false)),
            b'n' => self.word(b"null", Builder::null),
            _ => Err(Fault::Syntax),
        }
    }

    fn word(&mut self, word: &[u8], push: impl FnOnce(&mut Builder)) -> Read {
        if !self.text[self.at..].starts_with(word) {
            return Err(Fault::Syntax);
        }
        self.at += word.len();
        push(self.out);
        Ok(())
    }

    fn number(&mut self) -> Read {
        let (numeral, end) = scan(self.text, self.at).ok_or(Fault::Syntax)?;
        self.at = end;
        match numeral {
            Numeral::Whole(whole) => self.out.int(whole),
            Numeral::Large(whole) => self.out.uint(whole),
            Numeral::Real(real) => self.out.float(real),
        }
        Ok(())
    }

    /// Reads a string value or a key; `at` is at the opening quote.
    #[inline]
    fn string(&mut self) -> Read {
        let begin = self.at + 1;
        let run = plain_run(self.text, begin);
        if self.text.get(run.end) != Some(&b'"') {
            return self.escaped_string(begin);
        }
        if !run.ascii && std::str::from_utf8(&self.text[begin..run.end]).is_err() {
            return Err(Fault::Syntax);
        }
        self.out.plain_text(self.text, begin, run.end);
        self.at = run.end + 1;
        Ok(())
    }

    #[cold]
    fn escaped_string(&mut self, begin: usize) -> Read {
        self.scratch.clear();
        self.at = unescape(self.text, begin, &mut self.scratch).ok_or(Fault::Syntax)?;
        self.out.text(&self.scratch);
        Ok(())
    }

    fn open(&mut self, kind: Kind) -> Result<Open, Fault> {
        if self.depth == DEPTH_MAX {
            return Err(Fault::Deep(self.at));
        }
        self.depth += 1;
        self.at += 1;
        Ok(self.out.open(kind, (self.text.len() - self.at) * GROWTH_MAX))
    }

    fn close(&mut self, open: Open) {
        self.depth -= 1;
        self.at += 1;
        self.out.close(open);
    }

    fn array(&mut self) -> Read {
        let open = self.open(Kind::Array)?;
        if self.token() != b']' {
            loop {
                self.value()?;
                match self.token() {
                    b',' => self.at += 1,
                    b']' => break,
                    _ => return Err(Fault::Syntax),
                }
            }
        }
        self.close(open);
        Ok(())
    }

    fn object(&mut self) -> Read {
        let open = self.open(Kind::Object)?;
        let payload = self.out.len();
        let outer = self.fingerprints.len();
        let mut suspect = false;
        if self.token() != b'}' {
            loop {
                suspect |= self.key(outer)?;
                self.value()?;
                match self.token() {
                    b',' => self.at += 1,
                    b'}' => break,
                    _ => return Err(Fault::Syntax),
                }
            }
        }
        self.fingerprints.truncate(outer);
        if suspect {
            drop_repeated(&mut self.out.out, payload);
        }
        self.close(open);
        Ok(())
    }

    /// Reads a key and its colon. Returns true if the key may repeat an earlier one of this object.
    #[inline]
    fn key(&mut self, outer: usize) -> Result<bool, Fault> {
        if self.token() != b'"' {
            return Err(Fault::Syntax);
        }
        let begin = self.out.len();
        self.string()?;
        if self.token() != b':' {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        if self.fingerprints.len() - outer == FINGERPRINTS_MAX {
            return Ok(true);
        }
        let fingerprint = fingerprint(&self.out.out[begin..]);
        let repeated = self.fingerprints[outer..].contains(&fingerprint);
        self.fingerprints.push(fingerprint);
        Ok(repeated)
    }
}

/// Appends the unescaped text of the string whose first byte is at `at`; returns the offset after
/// its closing quote. `None` if the string is not valid.
fn unescape(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<usize> {
    let begin = out.len();
    loop {
        let run = plain_run(text, at);
        out.extend_from_slice(&text[at..run.end]);
        match text.get(run.end)? {
            b'"' => {
                std::str::from_utf8(&out[begin..]).ok()?;
                return Some(run.end + 1);
            }
            b'\\' => at = escape(text, run.end + 1, out)?,
            _ => return None,
        }
    }
}

/// Decodes the escape after a backslash; returns the offset after it.
fn escape(text: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
    let plain = match text.get(at)? {
        byte @ (b'"' | b'\\' | b'/') => *byte,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return unicode(text, at + 1, out),
        _ => return None,
    };
    out.push(plain);
    Some(at + 1)
}

/// Decodes `\uXXXX`, or two of them for a surrogate pair; a lone surrogate is an error.
fn unicode(text: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
    let first = hex(text, at)?;
    let (code, end) = if (0xd800..0xdc00).contains(&first) {
        if text.get(at + 4..at + 6)? != b"\\u" {
            return None;
        }
        let second = hex(text, at + 6)?;
        if !(0xdc00..0xe000).contains(&second) {
            return None;
        }
        (0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00), at + 10)
    } else {
        (first, at + 4)
    };
    let character = char::from_u32(code)?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(end)
}

fn hex(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    digits.iter().try_fold(0, |code, &digit| Some(code << 4 | char::from(digit).to_digit(16)?))
}

/// A hash of a key that is cheap to compute and usually differs for different keys. `encoded` is
/// the key with its header.
#[inline]
fn fingerprint(encoded: &[u8]) -> u64 {
    let length = encoded.len();
    let ends = match (encoded.first_chunk::<8>(), encoded.last_chunk::<8>()) {
        (Some(head), Some(tail)) => u64::from_le_bytes(*head) ^ u64::from_le_bytes(*tail).rotate_left(29),
        _ => encoded.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    ends ^ (length as u64) << 56
}

/// Removes repeated keys from the object whose payload is `out[payload..]`, and rewrites the
/// payload if there are any.
#[cold]
fn drop_repeated(out: &mut Vec<u8>, payload: usize) {
    let mut kept: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let mut found: HashMap<&[u8], usize> = HashMap::new();
    let mut repeated = false;
    for member in Members::within(out, payload, out.len()) {
        let value = member.value.offset()..member.value.end();
        match found.entry(member.key) {
            Entry::Occupied(first) => {
                repeated = true;
                kept[*first.get()].1 = value;
            }
            Entry::Vacant(free) => {
                free.insert(kept.len());
                kept.push((member.offset..member.value.offset(), value));
            }
        }
    }
    if !repeated {
        return;
    }
    let mut fresh = Vec::with_capacity(out.len() - payload);
    for (key, value) in kept {
        fresh.extend_from_slice(&out[key]);
        fresh.extend_from_slice(&out[value]);
    }
    assert!(fresh.len() < out.len() - payload, "dropping a member makes an object smaller");
    out.truncate(payload);
    out.extend_from_slice(&fresh);
}
