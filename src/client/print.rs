//! Prints replies as text: on a terminal as redis-cli does, with indented JSON; into a pipe without
//! decoration.

use serde::de::IgnoredAny;

use crate::resp::{Value, quote, write_double};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Types are shown, texts are quoted, and JSON is indented.
    Terminal,
    /// One value per line; the members of containers one after the other.
    Plain,
}

/// Spaces per level of indented JSON.
const INDENT: usize = 2;

/// Appends `value` and a line end to `out`.
pub(super) fn print(value: &Value, style: Style, out: &mut Vec<u8>) {
    match style {
        Style::Terminal => print_typed(value, 0, out),
        Style::Plain => print_plain(value, out),
    }
}

fn print_plain(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            items.iter().for_each(|item| print_plain(item, out));
            return;
        }
        Value::Map(pairs) => {
            for (key, value) in pairs {
                print_plain(key, out);
                print_plain(value, out);
            }
            return;
        }
        Value::Simple(bytes) | Value::Bulk(bytes) | Value::Verbatim(bytes) | Value::BigNumber(bytes) => {
            out.extend_from_slice(bytes);
            // The reply to INFO already ends with a line end.
            if bytes.ends_with(b"\n") {
                return;
            }
        }
        Value::Error(line) => out.extend_from_slice(line.as_bytes()),
        Value::Null => {}
        Value::Integer(_) | Value::Double(_) | Value::Boolean(_) => {
            out.extend_from_slice(scalar(value).as_bytes());
        }
    }
    out.push(b'\n');
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Double(number) => {
            let mut text = String::new();
            write_double(*number, &mut text);
            text
        }
        _ => String::new(),
    }
}

fn print_typed(value: &Value, indent: usize, out: &mut Vec<u8>) {
    match value {
        Value::Simple(bytes) | Value::Verbatim(bytes) | Value::BigNumber(bytes) => {
            out.extend_from_slice(bytes);
            if bytes.ends_with(b"\n") {
                return;
            }
        }
        Value::Bulk(bytes) => print_bulk(bytes, indent, out),
        Value::Error(line) => out.extend_from_slice(format!("(error) {line}").as_bytes()),
        Value::Integer(number) => out.extend_from_slice(format!("(integer) {number}").as_bytes()),
        Value::Double(_) => out.extend_from_slice(format!("(double) {}", scalar(value)).as_bytes()),
        Value::Boolean(truth) => out.extend_from_slice(format!("({truth})").as_bytes()),
        Value::Null => out.extend_from_slice(b"(nil)"),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            return print_list(items, indent, out);
        }
        Value::Map(pairs) => return print_map(pairs, indent, out),
    }
    out.push(b'\n');
}

/// Prints JSON containers, and at the top level texts of several lines, without quotes. Quotes
/// every other text, so that its end is visible.
fn print_bulk(bytes: &[u8], indent: usize, out: &mut Vec<u8>) {
    let container = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if container && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        indent_json(bytes, indent, out);
    } else if indent == 0 && bytes.contains(&b'\n') && std::str::from_utf8(bytes).is_ok() {
        out.extend_from_slice(bytes.trim_ascii_end());
    } else {
        out.extend_from_slice(quote(bytes).as_bytes());
    }
}

fn print_list(items: &[Value], indent: usize, out: &mut Vec<u8>) {
    if items.is_empty() {
        out.extend_from_slice(b"(empty array)\n");
    }
    let width = items.len().to_string().len();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            pad(indent, out);
        }
        out.extend_from_slice(format!("{:>width$}) ", at + 1).as_bytes());
        print_typed(item, indent + width + 2, out);
    }
}

fn print_map(pairs: &[(Value, Value)], indent: usize, out: &mut Vec<u8>) {
    if pairs.is_empty() {
        out.extend_from_slice(b"(empty map)\n");
    }
    for (at, (key, value)) in pairs.iter().enumerate() {
        if at > 0 {
            pad(indent, out);
        }
        print_typed(key, indent, out);
        pad(indent + INDENT, out);
        out.extend_from_slice(b"=> ");
        print_typed(value, indent + INDENT + 3, out);
    }
}

fn pad(columns: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + columns, b' ');
}

/// Indents JSON. Only white space changes; numbers and escapes stay the same.
fn indent_json(json: &[u8], indent: usize, out: &mut Vec<u8>) {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut at = 0;
    while at < json.len() {
        let byte = json[at];
        at += 1;
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'{' | b'[' => {
                out.push(byte);
                let rest = json[at..].trim_ascii_start();
                if matches!(rest.first(), Some(b'}' | b']')) {
                    out.push(rest[0]);
                    at = json.len() - rest.len() + 1;
                } else {
                    depth += 1;
                    break_line(indent + depth * INDENT, out);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                break_line(indent + depth * INDENT, out);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                break_line(indent + depth * INDENT, out);
            }
            b':' => out.extend_from_slice(b": "),
            _ => {
                in_string = byte == b'"';
                out.push(byte);
            }
        }
    }
    debug_assert_eq!(depth, 0, "only complete JSON is indented");
}

fn break_line(columns: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    pad(columns, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(value: Value) -> String {
        let mut out = Vec::new();
        print(&value, Style::Terminal, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_is_indented_and_nothing_else_about_it_changes() {
        let json = r#"{"a":[1.0,1e16, {}],"b\"{":[ ],"c":"x,:[\\"}"#;
        let expected =
            "{\n  \"a\": [\n    1.0,\n    1e16,\n    {}\n  ],\n  \"b\\\"{\": [],\n  \"c\": \"x,:[\\\\\"\n}\n";
        assert_eq!(typed(Value::Bulk(json.into())), expected);
        assert_eq!(typed(Value::Bulk("[]".into())), "[]\n");
        assert_eq!(typed(Value::Bulk("{no".into())), "\"{no\"\n");
    }

    #[test]
    fn replies_look_as_in_redis_cli() {
        let list = Value::Array(vec![
            Value::Integer(1),
            Value::Null,
            Value::Array(vec![Value::Bulk("a\n\x01".into()), Value::Simple("OK".into())]),
        ]);
        assert_eq!(typed(list), "1) (integer) 1\n2) (nil)\n3) 1) \"a\\n\\x01\"\n   2) OK\n");
        assert_eq!(typed(Value::Array(vec![])), "(empty array)\n");
        assert_eq!(typed(Value::Double(1.5)), "(double) 1.5\n");
        assert_eq!(typed(Value::Bulk("# Server\r\nx:1\r\n".into())), "# Server\r\nx:1\n");
        let map = Value::Map(vec![(Value::Bulk("k".into()), Value::Boolean(true))]);
        assert_eq!(typed(map), "\"k\"\n  => (true)\n");
    }

    #[test]
    fn pipes_get_lines() {
        let list = Value::Array(vec![Value::Bulk("a".into()), Value::Null, Value::Double(2.0)]);
        let mut out = Vec::new();
        print(&list, Style::Plain, &mut out);
        assert_eq!(out, b"a\n\n2\n");
    }
}
