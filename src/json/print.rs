//! Prints a value as JSON text.
//!
//! Invariants:
//! * the text parses to the printed value;
//! * a `Text` is copied unchanged; only a `TextEscaped` is searched for characters to escape.

use super::limits::DEPTH_MAX;
use super::number::Number;
use super::run::{copy_short, plain_run};
use super::value::{Header, Kind, Member, Value, header_at};

/// The parameters INDENT, NEWLINE and SPACE of JSON.GET. The default is compact text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style<'s> {
    /// Printed once per level before each element and member, and before each closing bracket
    /// unless the container is empty.
    pub indent: &'s [u8],
    /// Printed after each opening bracket and comma, and before each closing bracket, unless the
    /// container is empty.
    pub newline: &'s [u8],
    /// Printed after the colon of a member.
    pub space: &'s [u8],
}

impl Style<'_> {
    pub fn is_compact(&self) -> bool {
        self.indent.is_empty() && self.newline.is_empty() && self.space.is_empty()
    }

    /// Begins a line inside `level` containers.
    pub fn line(&self, level: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.newline);
        for _ in 0..level {
            out.extend_from_slice(self.indent);
        }
    }
}

/// Appends `value` to `out` as JSON text.
pub fn print(value: Value<'_>, style: &Style<'_>, out: &mut Vec<u8>) {
    print_within(value, style, 0, out);
}

/// Appends `value` as JSON text, for a value inside `level` containers that the caller prints.
pub fn print_within(value: Value<'_>, style: &Style<'_>, level: usize, out: &mut Vec<u8>) {
    if style.is_compact() {
        // The text is about as long as the encoding; reserving it at once avoids several
        // reallocations.
        out.reserve(value.encoded().len() + value.encoded().len() / 4);
        match header_at(value.buffer(), value.offset()) {
            Some(header) => compact(value.buffer(), value.offset(), header, level, out),
            None => scalar(value, out),
        }
    } else {
        spread(value, style, level, out);
    }
}

/// Appends values, such as the matches of a path, as one array inside `level` containers.
pub fn print_list<'v>(
    values: impl IntoIterator<Item = Value<'v>>,
    style: &Style<'_>,
    level: usize,
    out: &mut Vec<u8>,
) {
    out.push(b'[');
    let mut empty = true;
    for value in values {
        separate(&mut empty, style, level + 1, out);
        print_within(value, style, level + 1, out);
    }
    finish(empty, b']', style, level, out);
}

/// Appends `text`, which is UTF-8, quoted and escaped.
pub fn print_text(text: &[u8], out: &mut Vec<u8>) {
    quote(text, true, out);
}

/// Prints the value with this header as compact text. The code reads headers directly, because the
/// iterators do more work than printing needs, and printing takes much of the time of a read.
fn compact(bytes: &[u8], at: usize, header: Header, level: usize, out: &mut Vec<u8>) {
    match header.kind {
        Kind::Text => {
            out.push(b'"');
            copy_short(bytes, header.payload, header.end, out);
            out.push(b'"');
        }
        Kind::Object if level <= DEPTH_MAX => compact_object(bytes, header, level + 1, out),
        Kind::Array if level <= DEPTH_MAX => {
            let (mut next, mut mark) = (header.payload, b'[');
            while let Some(element) = header_within(bytes, next, header.end) {
                out.push(mark);
                compact(bytes, next, element, level + 1, out);
                (next, mark) = (element.end, b',');
            }
            out.extend_from_slice(if mark == b'[' { b"[]" } else { b"]" });
        }
        _ => scalar(Value::at(bytes, at), out),
    }
}

fn compact_object(bytes: &[u8], object: Header, level: usize, out: &mut Vec<u8>) {
    let (mut next, mut mark) = (object.payload, b'{');
    while let Some(key) = header_within(bytes, next, object.end) {
        let Some(value) = header_within(bytes, key.end, object.end) else { break };
        out.extend_from_slice(&[mark, b'"']);
        if key.kind == Kind::TextEscaped {
            escape(&bytes[key.payload..key.end], out);
        } else {
            copy_short(bytes, key.payload, key.end, out);
        }
        out.extend_from_slice(b"\":");
        compact(bytes, key.end, value, level, out);
        (next, mark) = (value.end, b',');
    }
    out.extend_from_slice(if mark == b'{' { b"{}" } else { b"}" });
}

/// The header at `at`, if it and its payload lie before `end`.
#[inline]
fn header_within(bytes: &[u8], at: usize, end: usize) -> Option<Header> {
    if at >= end { None } else { header_at(bytes, at).filter(|header| header.end <= end) }
}

fn spread(value: Value<'_>, style: &Style<'_>, level: usize, out: &mut Vec<u8>) {
    let mut empty = true;
    match value.kind() {
        Kind::Object if level <= DEPTH_MAX => {
            out.push(b'{');
            for Member { key, key_escaped, value, .. } in value.members() {
                separate(&mut empty, style, level + 1, out);
                quote(key, key_escaped, out);
                out.push(b':');
                out.extend_from_slice(style.space);
                spread(value, style, level + 1, out);
            }
            finish(empty, b'}', style, level, out);
        }
        Kind::Array if level <= DEPTH_MAX => {
            out.push(b'[');
            for element in value.elements() {
                separate(&mut empty, style, level + 1, out);
                spread(element, style, level + 1, out);
            }
            finish(empty, b']', style, level, out);
        }
        _ => scalar(value, out),
    }
}

fn separate(empty: &mut bool, style: &Style<'_>, level: usize, out: &mut Vec<u8>) {
    if !std::mem::replace(empty, false) {
        out.push(b',');
    }
    style.line(level, out);
}

fn finish(empty: bool, bracket: u8, style: &Style<'_>, level: usize, out: &mut Vec<u8>) {
    if !empty {
        style.line(level, out);
    }
    out.push(bracket);
}

fn scalar(value: Value<'_>, out: &mut Vec<u8>) {
    match (value.kind(), Number::of(value)) {
        (_, Some(number)) => number.print(out),
        (Kind::True, _) => out.extend_from_slice(b"true"),
        (Kind::False, _) => out.extend_from_slice(b"false"),
        (kind @ (Kind::Text | Kind::TextEscaped), _) => {
            quote(value.payload(), kind == Kind::TextEscaped, out)
        }
        // This is null, or a container nested beyond the depth limit; a checked document has no
        // such container.
        _ => out.extend_from_slice(b"null"),
    }
}

#[inline]
fn quote(text: &[u8], escaped: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    if escaped {
        escape(text, out);
    } else {
        out.extend_from_slice(text);
    }
    out.push(b'"');
}

/// Appends `text` escaped, without quotes.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let mut rest = text;
    loop {
        let at = plain_run(rest, 0).end;
        out.extend_from_slice(&rest[..at]);
        let Some(&byte) = rest.get(at) else { return };
        match byte {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
        rest = &rest[at + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::tests::document;

    const ALICE: &str = r#"{"name":"Alice","none":null,"tags":["x",[]],"addr":{"zip":"00100"},"e":{}}"#;

    fn printed(text: &str, style: Style<'_>) -> String {
        let mut out = Vec::new();
        print(document(text).root(), &style, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_compact_style_puts_nothing_between_tokens() {
        assert_eq!(printed(ALICE, Style::default()), ALICE);
        assert_eq!(printed(" [ ] ", Style::default()), "[]");
    }

    #[test]
    fn indent_newline_and_space_are_independent() {
        let indent = Style { indent: b"  ", ..Style::default() };
        assert_eq!(printed(r#"{"a":[1,{}],"b":2}"#, indent), r#"{  "a":[    1,    {}  ],  "b":2}"#);
        let newline = Style { newline: b"\n", ..Style::default() };
        assert_eq!(printed(r#"{"a":[1,{}],"b":2}"#, newline), "{\n\"a\":[\n1,\n{}\n],\n\"b\":2\n}");
        let space = Style { space: b" ", ..Style::default() };
        assert_eq!(printed(r#"{"a":[1,{}],"b":2}"#, space), r#"{"a": [1,{}],"b": 2}"#);
    }

    #[test]
    fn a_list_looks_like_an_array_of_its_values() {
        let first = document("\"Alice\"");
        let second = document("[1]");
        for style in [Style::default(), Style { indent: b"\t", newline: b"\r\n", space: b" " }] {
            let mut out = Vec::new();
            print_list([first.root(), second.root()], &style, 0, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), printed("[\"Alice\",[1]]", style));
        }
        let mut out = Vec::new();
        print_list([], &Style { newline: b"\n", ..Style::default() }, 0, &mut out);
        assert_eq!(out, b"[]");
    }

    #[test]
    fn only_what_json_demands_is_escaped() {
        let text = r#""\u0000\u0008\t\n\u000b\f\r\u001f \"\\\/ \u007f \u00e9 \u2028 \ud83d\ude00""#;
        let wanted =
            "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f \\\"\\\\/ \u{7f} \u{e9} \u{2028} \u{1f600}\"".to_owned();
        assert_eq!(printed(text, Style::default()), wanted);
        let mut out = Vec::new();
        print_text("a\"\u{e9}\n".as_bytes(), &mut out);
        assert_eq!(out, "\"a\\\"\u{e9}\\n\"".as_bytes());
    }
}
