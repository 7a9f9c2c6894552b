//! Finds plain runs: bytes that need no escape in a JSON string.

/// A run of bytes without a quote, a backslash or a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The offset of the byte that ends the run, or the length of the text if none does.
    pub end: usize,
    pub ascii: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The run that begins at `begin`. It is scanned eight bytes at a time, because strings make up a
/// large part of a typical document.
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

/// The high bit of each byte that ends a run. A borrow in the subtraction may also flag a byte
/// above the lowest flagged one, so callers may use only the lowest.
#[inline]
fn stops(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let equal = (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash);
    (control | equal) & HIGHS
}

/// Maximum length of a text that [`copy_short`] copies without calling `memcpy`.
const SHORT_BYTES_MAX: usize = 16;

/// Appends `bytes[begin..end]`. For a short string, appending 16 bytes and truncating is cheaper
/// than a call that copies the exact number.
#[inline(always)]
pub(super) fn copy_short(bytes: &[u8], begin: usize, end: usize, out: &mut Vec<u8>) {
    let size = end - begin;
    match bytes.get(begin..).and_then(<[u8]>::first_chunk::<SHORT_BYTES_MAX>) {
        Some(chunk) if size <= SHORT_BYTES_MAX => {
            let length = out.len() + size;
            out.extend_from_slice(chunk);
            out.truncate(length);
        }
        _ => out.extend_from_slice(&bytes[begin..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_first_byte_that_needs_an_escape_wherever_it_is() {
        for length in 0..40 {
            for stop in [b'"', b'\\', 0x00, 0x1f] {
                let mut text = vec![b'~'; length];
                text.extend([stop, 0xff, b'"']);
                assert_eq!(plain_run(&text, 0), Run { end: length, ascii: true });
                if length > 0 {
                    text[length - 1] = 0xc3;
                    assert_eq!(plain_run(&text, 0), Run { end: length, ascii: false });
                    assert_eq!(plain_run(&text, length), Run { end: length, ascii: true });
                }
            }
            assert_eq!(plain_run(&vec![0x7f; length], 0), Run { end: length, ascii: true });
        }
    }

    #[test]
    fn short_and_long_copies_are_copies() {
        let bytes: Vec<u8> = (0..60).collect();
        for begin in 0..60 {
            for end in begin..60 {
                let mut out = vec![7];
                copy_short(&bytes, begin, end, &mut out);
                assert_eq!(out[1..], bytes[begin..end]);
            }
        }
    }
}
