//! Strings with escapes.

use crate::json::run::plain_run;

/// Appends the text of the string whose first byte is at `at`, unescaped; answers the offset past
/// its closing quote. `None` if the string is not valid.
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
