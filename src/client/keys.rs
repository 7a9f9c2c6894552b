//! Determines the keys of imported documents.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::args::ImportOptions;
use super::documents::Piece;

/// The source of the keys.
pub(super) enum Keys<'a> {
    /// The prefix and the document's number. Documents are counted and not lines, so that a blank
    /// line leaves no gap.
    Numbered { prefix: &'a str, next: u64 },
    /// The prefix and the value of a member of the document.
    Field { prefix: &'a str, field: &'a str },
    /// The prefix and the key that comes with the document, in the format of export.
    Keyed { prefix: &'a str },
}

/// One line of an export.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl<'a> Keys<'a> {
    pub(super) fn new(options: &'a ImportOptions) -> Keys<'a> {
        let prefix = options.prefix.as_deref();
        match (&options.key_field, options.keyed) {
            (Some(field), _) => Keys::Field { prefix: prefix.unwrap_or(""), field },
            (None, true) => Keys::Keyed { prefix: prefix.unwrap_or("") },
            (None, false) => Keys::Numbered { prefix: prefix.unwrap_or("doc:"), next: 1 },
        }
    }

    /// Returns the key of `piece` and its document; on an error, a reason for the user.
    pub(super) fn split<'p>(&mut self, piece: Piece<'p>) -> Result<(String, &'p [u8]), String> {
        match self {
            Keys::Numbered { prefix, next } => {
                let key = format!("{prefix}{next}");
                *next += 1;
                Ok((key, piece.json))
            }
            Keys::Field { prefix, field } => Ok((field_key(piece.json, prefix, field)?, piece.json)),
            Keys::Keyed { prefix } => {
                let line: Line = serde_json::from_slice(piece.json).map_err(|error| error.to_string())?;
                Ok((format!("{prefix}{}", line.key), line.value.get().as_bytes()))
            }
        }
    }
}

fn field_key(json: &[u8], prefix: &str, field: &str) -> Result<String, String> {
    let members: HashMap<Cow<str>, &RawValue> =
        serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let raw = members.get(field).ok_or_else(|| format!("no member \"{field}\""))?.get();
    match raw.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(raw).map_err(|error| error.to_string())?;
            Ok(format!("{prefix}{text}"))
        }
        Some(b'-' | b'0'..=b'9') => Ok(format!("{prefix}{raw}")),
        _ => Err(format!("\"{field}\" is neither a string nor a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(keys: &mut Keys, json: &str) -> Result<(String, String), String> {
        let piece = Piece { number: 1, json: json.as_bytes() };
        keys.split(piece).map(|(key, json)| (key, String::from_utf8(json.to_vec()).unwrap()))
    }

    #[test]
    fn a_member_is_the_key_if_it_is_a_string_or_a_number() {
        let mut keys = Keys::Field { prefix: "u:", field: "id" };
        let cases = [
            (r#"{"a":{"id":0},"id":"x\n"}"#, Ok("u:x\n")),
            (r#"{"id":12345678901234567890123}"#, Ok("u:12345678901234567890123")),
            (r#"{"id":null}"#, Err("neither")),
            (r#"{"ID":1}"#, Err("no member")),
            (r#"[1]"#, Err("invalid type")),
            (r#"{"id":1"#, Err("EOF")),
        ];
        for (json, expected) in cases {
            match (split(&mut keys, json), expected) {
                (Ok((key, document)), Ok(wanted)) => {
                    assert_eq!((key.as_str(), document.as_str()), (wanted, json))
                }
                (Err(reason), Err(wanted)) => assert!(reason.contains(wanted), "{reason}"),
                (found, _) => panic!("{json}: {found:?}"),
            }
        }
    }

    #[test]
    fn keys_are_numbered_or_come_with_their_lines() {
        let mut keys = Keys::Numbered { prefix: "doc:", next: 1 };
        assert_eq!(split(&mut keys, "{}").unwrap().0, "doc:1");
        assert_eq!(split(&mut keys, "{}").unwrap().0, "doc:2");
        let mut keys = Keys::Keyed { prefix: "" };
        let found = split(&mut keys, r#"{"key":"a\"b","value":{"x": 1.0}}"#).unwrap();
        assert_eq!(found, ("a\"b".to_owned(), r#"{"x": 1.0}"#.to_owned()));
        assert!(split(&mut keys, r#"{"value":1}"#).unwrap_err().contains("key"));
    }
}
