//! Counts the replies in a stream without decoding them: lengths are followed, contents skipped.

use std::io;

/// An incomplete line is at most this long: a header, or the text of an error.
const LINE_BYTES_MAX: usize = 64 << 10;

/// What a complete reply was.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    Value,
    /// No value under the key.
    Null,
    /// The text of an error.
    Error(String),
}

/// The state between two reads.
///
/// Invariant: `skip > 0` only inside the content of a bulk string, and then `line` is empty.
#[derive(Default)]
pub struct Scanner {
    /// Bytes of a content, its line end included, that have not arrived yet.
    skip: u64,
    /// Values that the reply still lacks; 0 between replies.
    missing: u64,
    /// The beginning of a line that is incomplete.
    line: Vec<u8>,
}

impl Scanner {
    /// Passes each reply that `bytes` complete to `complete`.
    ///
    /// # Errors
    /// Bytes that are no reply of RESP2 or RESP3.
    pub fn scan(&mut self, mut bytes: &[u8], mut complete: impl FnMut(Kind)) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let here = self.skip.min(bytes.len() as u64);
                self.skip -= here;
                bytes = &bytes[here as usize..];
                if self.skip == 0 {
                    self.end_value(Kind::Value, &mut complete);
                }
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                self.line.extend_from_slice(bytes);
                return if self.line.len() > LINE_BYTES_MAX {
                    Err(broken("a line without end"))
                } else {
                    Ok(())
                };
            };
            let (line, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if self.line.is_empty() {
                self.header(line, &mut complete)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.header(&whole, &mut complete)?;
            }
        }
        Ok(())
    }

    /// Takes a line with its end.
    fn header(&mut self, line: &[u8], complete: &mut impl FnMut(Kind)) -> io::Result<()> {
        let text =
            line.strip_suffix(b"\r\n").ok_or_else(|| broken("a line ends without a carriage return"))?;
        let (kind, rest) = text.split_first().ok_or_else(|| broken("an empty line"))?;
        let is_top = self.missing == 0;
        if is_top {
            self.missing = 1;
        }
        match kind {
            b'+' | b':' | b'#' | b',' | b'(' => self.end_value(Kind::Value, complete),
            b'_' => self.end_value(if is_top { Kind::Null } else { Kind::Value }, complete),
            b'-' if is_top => {
                self.end_value(Kind::Error(String::from_utf8_lossy(rest).into_owned()), complete);
            }
            b'-' => self.end_value(Kind::Value, complete),
            b'$' | b'*' if rest == b"-1" => {
                self.end_value(if is_top { Kind::Null } else { Kind::Value }, complete);
            }
            b'$' | b'=' | b'!' => self.skip = count(rest)? + 2,
            b'*' | b'~' | b'>' if rest == b"0" => self.end_value(Kind::Value, complete),
            // The count replaces the array itself among the missing values.
            b'*' | b'~' | b'>' => self.missing += count(rest)? - 1,
            b'%' if rest == b"0" => self.end_value(Kind::Value, complete),
            b'%' => self.missing += 2 * count(rest)? - 1,
            _ => return Err(broken("an unknown type of reply")),
        }
        Ok(())
    }

    fn end_value(&mut self, kind: Kind, complete: &mut impl FnMut(Kind)) {
        self.missing -= 1;
        if self.missing == 0 {
            complete(kind);
        }
    }
}

fn count(text: &[u8]) -> io::Result<u64> {
    // A length over 2^40 is no reply of a benchmark, and would let the sums above overflow.
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
    number.filter(|number| *number < 1 << 40).ok_or_else(|| broken("a length that is no number"))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the reply is broken: {what}"))
}
