//! The fast parser: one pass over the bytes, straight to the encoding.

use super::keys;
use super::numeral::{Numeral, scan};
use super::text;
use crate::json::build::{Builder, Open};
use crate::json::limits::DEPTH_MAX;
use crate::json::run::plain_run;
use crate::json::value::Kind;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no JSON; serde_json says why.
    Syntax,
    /// The container that opens at this offset is one too deep.
    Deep(usize),
    /// The text, or its encoding, is over the limit.
    Large,
}

type Read = Result<(), Fault>;

/// The encoding is at most this many times the text: `-0,` is 3 bytes and becomes a `Float` of 9.
const GROWTH_MAX: usize = 3;

pub(super) struct Reader<'t, 'o> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    out: &'o mut Builder,
    /// The marks of the keys of all objects that are open, innermost last.
    marks: Vec<u64>,
    scratch: Vec<u8>,
}

impl<'t, 'o> Reader<'t, 'o> {
    pub fn new(text: &'t [u8], out: &'o mut Builder) -> Reader<'t, 'o> {
        Reader { text, at: 0, depth: 0, out, marks: Vec::new(), scratch: Vec::new() }
    }

    pub fn document(mut self) -> Read {
        let begin = self.out.len();
        self.value()?;
        let trailing = self.token();
        assert!(self.out.len() - begin <= self.text.len() * GROWTH_MAX + 8, "the reserved headers suffice");
        if trailing == 0 && self.at == self.text.len() { Ok(()) } else { Err(Fault::Syntax) }
    }

    /// The byte here; 0 at the end, since no token of JSON begins with it.
    #[inline]
    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// The first byte of the next token.
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

    /// A string value or a key; `at` is at the opening quote.
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
        self.at = text::unescape(self.text, begin, &mut self.scratch).ok_or(Fault::Syntax)?;
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
        let outer = self.marks.len();
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
        self.marks.truncate(outer);
        if suspect {
            keys::drop_repeated(&mut self.out.out, payload);
        }
        self.close(open);
        Ok(())
    }

    /// Reads a key and its colon. True if the key may have been in this object before.
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
        if self.marks.len() - outer == keys::MARKS_MAX {
            return Ok(true);
        }
        let mark = keys::mark(&self.out.out[begin..]);
        let repeated = self.marks[outer..].contains(&mark);
        self.marks.push(mark);
        Ok(repeated)
    }
}
