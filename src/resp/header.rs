//! Reads a length: one type byte, a decimal number, `\r\n`.
//!
//! At most [`HEADER_BYTES_MAX`] bytes are read. An attempt to read a header therefore takes
//! constant time even if the header arrives byte by byte, and no position within it has to be kept.

use super::limits::HEADER_BYTES_MAX;

/// Maximum number of digits: no valid length has more, and a number of this many digits fits an
/// `i64`.
const DIGITS_MAX: usize = 18;
const _: () = assert!(DIGITS_MAX + 4 < HEADER_BYTES_MAX);

/// The result of reading a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// The number, and the size of the header with its type byte and line end.
    Length { value: i64, size: usize },
    /// The bytes may be the beginning of a header whose end has not arrived.
    Incomplete,
    /// The bytes are not a number that Redis would accept; for example `+1`, `01` or an empty
    /// number.
    Malformed,
    /// The header has more digits than any valid number, and no end.
    TooLong,
}

/// Reads the header at the start of `bytes`, with any type byte.
#[inline]
pub(super) fn read(bytes: &[u8]) -> Header {
    let negative = bytes.get(1) == Some(&b'-');
    let first = 1 + usize::from(negative);
    let mut value = 0i64;
    let mut at = first;
    loop {
        let Some(&byte) = bytes.get(at) else { return Header::Incomplete };
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        if at - first >= DIGITS_MAX {
            return beyond_any_number(bytes, at);
        }
        value = value * 10 + i64::from(digit);
        at += 1;
    }
    if !canonical(bytes, first, at, negative) || bytes[at] != b'\r' {
        return Header::Malformed;
    }
    match bytes.get(at + 1) {
        None => Header::Incomplete,
        Some(b'\n') => Header::Length { value: if negative { -value } else { value }, size: at + 2 },
        Some(_) => Header::Malformed,
    }
}

/// Whether there is at least one digit, no leading zero and no `-0`, as Redis' `string2ll`
/// requires.
#[inline]
fn canonical(bytes: &[u8], first: usize, end: usize, negative: bool) -> bool {
    let digits = end - first;
    digits > 0 && (bytes[first] != b'0' || (digits == 1 && !negative))
}

#[cold]
fn beyond_any_number(bytes: &[u8], at: usize) -> Header {
    let window = &bytes[at..bytes.len().min(HEADER_BYTES_MAX)];
    match window.iter().find(|byte| !byte.is_ascii_digit()) {
        Some(_) => Header::Malformed,
        None if bytes.len() >= HEADER_BYTES_MAX => Header::TooLong,
        None => Header::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_in_redis() {
        assert_eq!(read(b"*3\r\n$"), Header::Length { value: 3, size: 4 });
        assert_eq!(read(b"$0\r\n"), Header::Length { value: 0, size: 4 });
        assert_eq!(read(b"$-1\r\n"), Header::Length { value: -1, size: 5 });
        assert_eq!(
            read(b"$999999999999999999\r\n"),
            Header::Length { value: 999_999_999_999_999_999, size: 21 }
        );
        for bad in
            ["*\r\n", "*+1\r\n", "*01\r\n", "*-0\r\n", "*-\r\n", "* 1\r\n", "*1 \r\n", "*1\rX", "*1\n", "*x"]
        {
            assert_eq!(read(bad.as_bytes()), Header::Malformed, "{bad:?}");
        }
    }

    #[test]
    fn a_header_is_incomplete_until_its_line_end() {
        for part in ["", "*", "*-", "*1", "*12", "*12\r"] {
            assert_eq!(read(part.as_bytes()), Header::Incomplete, "{part:?}");
        }
    }

    #[test]
    fn endless_digits_are_refused_early() {
        assert_eq!(read(&[b'9'; 30]), Header::Incomplete);
        assert_eq!(read(&[b'9'; HEADER_BYTES_MAX]), Header::TooLong);
        assert_eq!(read(b"*99999999999999999999\r\n"), Header::Malformed);
    }
}
