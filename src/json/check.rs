//! Checks that bytes are one encoded value. Tests and fuzzers check every byte in this way;
//! documents from the log, a snapshot or another node are protected by checksums.
//!
//! Invariant: accepted bytes satisfy everything that the rest of `json` relies on, and are the only
//! encoding of their value.

use super::Document;
use super::build::header_len;
use super::limits::DEPTH_MAX;
use super::run::plain_run;
use super::value::{Header, Kind, Members, Value, header_at, repeated};

/// The reason why bytes are not an encoded document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} of an encoded document: {reason}")]
pub struct Malformed {
    pub offset: usize,
    pub reason: &'static str,
}

impl Document {
    /// Makes a document of bytes that are not trusted; they must be exactly one encoded value.
    pub fn from_encoded(bytes: &[u8]) -> Result<Document, Malformed> {
        check(bytes)?;
        Ok(Document::from_trusted(bytes))
    }
}

/// Checks that `bytes` are exactly one value.
pub fn check(bytes: &[u8]) -> Result<(), Malformed> {
    let end = check_value(bytes, 0, bytes.len(), 0)?;
    ensure(end == bytes.len(), end, "bytes follow the value")
}

fn ensure(holds: bool, offset: usize, reason: &'static str) -> Result<(), Malformed> {
    if holds { Ok(()) } else { Err(Malformed { offset, reason }) }
}

/// Checks the value at `at`, which must end by `limit`; returns its end.
fn check_value(bytes: &[u8], at: usize, limit: usize, level: usize) -> Result<usize, Malformed> {
    let header = check_header(bytes, at, limit)?;
    let payload = &bytes[header.payload..header.end];
    match header.kind {
        Kind::Null | Kind::False | Kind::True => {
            ensure(payload.is_empty(), at, "null, true or false has a payload")?
        }
        Kind::Int | Kind::Uint | Kind::Float => check_number(Value::at(bytes, at))?,
        Kind::Text | Kind::TextEscaped => check_text(header.kind, payload, at)?,
        Kind::Array => {
            ensure(level < DEPTH_MAX, at, "containers nest too deep")?;
            let mut next = header.payload;
            while next < header.end {
                next = check_value(bytes, next, header.end, level + 1)?;
            }
        }
        Kind::Object => {
            ensure(level < DEPTH_MAX, at, "containers nest too deep")?;
            check_members(bytes, header, level + 1)?;
        }
    }
    Ok(header.end)
}

fn check_header(bytes: &[u8], at: usize, limit: usize) -> Result<Header, Malformed> {
    let header = header_at(bytes, at).filter(|header| header.end <= limit);
    let header = header.ok_or(Malformed { offset: at, reason: "no valid value begins here" })?;
    let shortest = header.payload - at == header_len(header.end - header.payload);
    ensure(shortest, at, "the header is too wide")?;
    Ok(header)
}

fn check_members(bytes: &[u8], object: Header, level: usize) -> Result<(), Malformed> {
    let mut next = object.payload;
    while next < object.end {
        let key = check_header(bytes, next, object.end)?;
        ensure(matches!(key.kind, Kind::Text | Kind::TextEscaped), next, "a key is not text")?;
        check_text(key.kind, &bytes[key.payload..key.end], next)?;
        next = check_value(bytes, key.end, object.end, level)?;
    }
    match repeated(Members::within(bytes, object.payload, object.end)) {
        Some(member) => Err(Malformed { offset: member.offset, reason: "a key is repeated" }),
        None => Ok(()),
    }
}

fn check_number(number: Value<'_>) -> Result<(), Malformed> {
    let holds = match (number.kind(), number.payload()) {
        (Kind::Int, []) => true,
        (Kind::Int, [only]) => *only != 0,
        // The encoding is the shortest if the top byte is not just the sign extension of the byte
        // below it.
        (Kind::Int, [.., below, top]) => {
            number.as_i64().is_some() && *top != if below & 0x80 == 0 { 0 } else { 0xff }
        }
        (Kind::Uint, _) => number.as_u64_large().is_some_and(|whole| i64::try_from(whole).is_err()),
        _ => number.as_f64().is_some_and(f64::is_finite),
    };
    ensure(holds, number.offset(), "the number is out of its range or not in its shortest form")
}

fn check_text(kind: Kind, text: &[u8], at: usize) -> Result<(), Malformed> {
    let run = plain_run(text, 0);
    let plain = run.end == text.len();
    ensure((plain && run.ascii) || std::str::from_utf8(text).is_ok(), at, "the text is not UTF-8")?;
    ensure(plain == (kind == Kind::Text), at, "the text has the wrong kind")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::tests::document;

    #[test]
    fn what_the_parser_writes_is_accepted() {
        for text in
            ["null", "-129", "128", "0", "18446744073709551615", "-0", "\"a\\n\"", "[[],{}]", "{\"a\":1}"]
        {
            assert_eq!(check(document(text).encoded()), Ok(()), "{text}");
        }
        let long = document(&format!("[{}1]", "\"some text\",".repeat(40)));
        assert_eq!(check(long.encoded()), Ok(()));
        assert!(Document::from_encoded(long.encoded()).is_ok());
    }

    #[test]
    fn what_breaks_the_layout_is_refused_with_its_place() {
        for (bytes, offset, reason) in [
            (&b""[..], 0, "no valid value begins here"),
            (&[0x0f], 0, "no valid value begins here"),
            (&[0xf0], 0, "no valid value begins here"),
            (&[0x36, b'a'], 0, "no valid value begins here"),
            (&[0x00, 0x00], 1, "bytes follow the value"),
            (&[0x10, 0x00], 0, "null, true or false has a payload"),
            (&[0x13, 0x00], 0, "the number is out of its range or not in its shortest form"),
            (&[0x23, 0x01, 0x00], 0, "the number is out of its range or not in its shortest form"),
            (&[0x23, 0x80, 0xff], 0, "the number is out of its range or not in its shortest form"),
            (
                &[0x93, 1, 2, 3, 4, 5, 6, 7, 8, 9],
                0,
                "the number is out of its range or not in its shortest form",
            ),
            (
                &[0x84, 1, 0, 0, 0, 0, 0, 0, 0],
                0,
                "the number is out of its range or not in its shortest form",
            ),
            (
                &[0x85, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f],
                0,
                "the number is out of its range or not in its shortest form",
            ),
            (&[0xc6, 1, b'a'], 0, "the header is too wide"),
            (&[0x16, 0xff], 0, "the text is not UTF-8"),
            (&[0x16, b'"'], 0, "the text has the wrong kind"),
            (&[0x17, b'a'], 0, "the text has the wrong kind"),
            (&[0x29, 0x00, 0x00], 1, "a key is not text"),
            (&[0x29, 0x16, b'a'], 3, "no valid value begins here"),
            (&[0x69, 0x16, b'a', 0x00, 0x16, b'a', 0x00], 4, "a key is repeated"),
            (&[0x28, 0x16, b'a', 0x00], 3, "bytes follow the value"),
            (&[0x18, 0x16, b'a'], 1, "no valid value begins here"),
        ] {
            assert_eq!(check(bytes), Err(Malformed { offset, reason }), "{bytes:x?}");
        }
    }

    #[test]
    fn containers_that_nest_too_deep_are_refused() {
        let mut bytes = vec![0x08];
        for _ in 1..DEPTH_MAX {
            let mut outer = Vec::new();
            crate::json::build::push_header(&mut outer, Kind::Array, bytes.len());
            outer.extend_from_slice(&bytes);
            bytes = outer;
        }
        assert_eq!(check(&bytes), Ok(()));
        let mut outer = Vec::new();
        crate::json::build::push_header(&mut outer, Kind::Array, bytes.len());
        outer.extend_from_slice(&bytes);
        assert_eq!(check(&outer).unwrap_err().reason, "containers nest too deep");
    }
}
