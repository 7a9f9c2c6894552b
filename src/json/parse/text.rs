//! Strings: finding where a plain run ends, and undoing escapes.

/// A stretch of bytes without quote, backslash and control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The offset of the byte that ended it, or the length of the text.
    pub end: usize,
    pub ascii: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The run that begins at `begin`. Eight bytes at a time: strings are most of most documents.
#[inline]
pub(super) fn plain_run(text: &[u8], begin: usize) -> Run {
    let mut end = begin;
    let mut high = 0;
    while let Some(chunk) = text.get(end..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let stops = stops(word);
        if stops != 0 {
            high |= word & HIGHS & ((stops & stops.wrapping_neg()) - 1);
            return Run { end: end + stops.trailing_zeros() as usize / 8, ascii: high == 0 };
        }
        high |= word & HIGHS;
        end += 8;
    }
    while let Some(&byte) = text.get(end) {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            break;
        }
        high |= u64::from(byte & 0x80);
        end += 1;
    }
    Run { end, ascii: high == 0 }
}

/// The high bit of each byte that ends a run. A borrow may flag a byte above the lowest one in error; only the
/// lowest is used.
#[inline]
fn stops(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let equal = (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash);
    (control | equal) & HIGHS
}

/// Appends the text of the string whose first byte is at `at`, unescaped; answers the offset past its closing
/// quote. `None` if the string is not valid.
pub(super) fn unescape(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<usize> {
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

/// Undoes the escape behind the backslash; answers the offset past it.
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

/// `\uXXXX`, or the two of a surrogate pair; a surrogate alone is an error.
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
