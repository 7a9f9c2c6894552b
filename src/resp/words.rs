//! Splits a line of text into words, by the quoting rules that redis-cli, redis.conf and inline
//! commands share.
//!
//! Between double quotes, `\n \r \t \b \a \xHH \" \\` are escapes, and any other byte after a
//! backslash stands for itself; between single quotes, only `\'` is an escape. A closing quote must
//! end its word.

/// The error for a quote that is not closed, or is closed in the middle of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unbalanced quotes")]
pub struct UnbalancedQuotes;

/// Splits `line` into words; a blank line has none. Time and memory are linear in the length of the
/// line.
pub fn split_words(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let mut words = Vec::new();
    let mut rest = skip_blanks(line);
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = read_word(rest, &mut word)?;
        words.push(word);
        rest = skip_blanks(rest);
    }
    Ok(words)
}

/// Whether C's `isspace` holds; unlike `u8::is_ascii_whitespace`, this includes the vertical tab.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn skip_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| is_blank(**byte)).count();
    &bytes[blanks..]
}

/// Reads one word, which may begin without quotes and continue in quotes. Returns the rest of the
/// line.
fn read_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b'"' => return after_quote(read_double_quoted(tail, word)?),
            b'\'' => return after_quote(read_single_quoted(tail, word)?),
            blank if is_blank(blank) => return Ok(rest),
            plain => word.push(plain),
        }
        rest = tail;
    }
    Ok(rest)
}

fn after_quote(rest: &[u8]) -> Result<&[u8], UnbalancedQuotes> {
    match rest.first() {
        Some(byte) if !is_blank(*byte) => Err(UnbalancedQuotes),
        _ => Ok(rest),
    }
}

fn read_single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        let (byte, tail) = match rest {
            [b'\'', tail @ ..] => return Ok(tail),
            [b'\\', b'\'', tail @ ..] => (b'\'', tail),
            [byte, tail @ ..] => (*byte, tail),
            [] => return Err(UnbalancedQuotes),
        };
        word.push(byte);
        rest = tail;
    }
}

fn read_double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        let (byte, tail) = match rest {
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), tail)
            }
            [b'\\', escaped, tail @ ..] => (unescape(*escaped), tail),
            [byte, tail @ ..] => (*byte, tail),
            [] => return Err(UnbalancedQuotes),
        };
        word.push(byte);
        rest = tail;
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

/// Writes `bytes` between double quotes so that [`split_words`] reads them back.
pub fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for &byte in bytes {
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x08 => text.push_str("\\b"),
            0x07 => text.push_str("\\a"),
            0x20..=0x7e => text.push(byte.into()),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(line: &str) -> Option<Vec<String>> {
        let words = split_words(line.as_bytes()).ok()?;
        Some(words.iter().map(|word| word.escape_ascii().to_string()).collect())
    }

    #[test]
    fn quotes_and_escapes_are_read_as_redis_cli_reads_them() {
        let cases: [(&str, &[&str]); 11] = [
            ("", &[]),
            (" \t\r\n", &[]),
            ("set k v", &["set", "k", "v"]),
            ("  a \x0b b  ", &["a", "b"]),
            (r#"a "" ''"#, &["a", "", ""]),
            (r#""\n\r\t\b\a\"\\\q""#, &[r#"\n\r\t\x08\x07\"\\q"#]),
            (r#""\x41\xzz\x4""#, &["Axzzx4"]),
            (r"'it\'s' '\n'", &[r"it\'s", r"\\n"]),
            (r#"foo"bar baz""#, &["foobar baz"]),
            (r#"set k '{"name": "Alice"}'"#, &["set", "k", r#"{\"name\": \"Alice\"}"#]),
            ("\"a\nb\"", &[r"a\nb"]),
        ];
        for (line, expected) in cases {
            assert_eq!(words(line).unwrap(), expected, "{line:?}");
        }
    }

    #[test]
    fn a_quote_must_close_at_the_end_of_its_word() {
        for line in ["\"", "'", "\"a", "\"a\"b", "'a'b", "\"\"\"a\"\"\"", "\"a\\\"", "'a\\'", "\"\\"] {
            assert_eq!(words(line), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn quoted_bytes_are_read_back(bytes: Vec<u8>) {
            let quoted = quote(&bytes);
            prop_assert_eq!(split_words(quoted.as_bytes()).unwrap(), vec![bytes]);
        }

        #[test]
        fn any_line_splits_or_is_refused(line: Vec<u8>) {
            if let Ok(words) = split_words(&line) {
                prop_assert!(words.iter().map(Vec::len).sum::<usize>() <= line.len());
            }
        }
    }
}
