use super::*;

/// The document parsed from a valid text.
pub(in crate::json) fn document(text: &str) -> Document {
    parse(text.as_bytes(), &ParseLimits::default()).unwrap()
}

/// The document as compact text.
pub(in crate::json) fn text_of(document: &Document) -> String {
    let mut out = Vec::new();
    crate::json::print(document.root(), &crate::json::Style::default(), &mut out);
    String::from_utf8(out).unwrap()
}

fn refusal(text: &[u8]) -> String {
    parse(text, &ParseLimits::default()).unwrap_err().to_string()
}

#[test]
fn bad_json_is_refused_with_the_recorded_errors() {
    for (text, wanted) in [
        (r#""\ud83d""#, "unexpected end of hex escape at line 1 column 8"),
        (r#"{"\ud83d":1}"#, "unexpected end of hex escape at line 1 column 9"),
        (r#""\x""#, "invalid escape at line 1 column 3"),
        (r#"{"\u12":1}"#, "invalid escape at line 1 column 8"),
        ("\"a\nb\"", "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0"),
        ("\"unterminated", "EOF while parsing a string at line 1 column 13"),
        ("", "EOF while parsing a value at line 1 column 0"),
        ("+1", "expected value at line 1 column 1"),
        ("-1e309", "number out of range at line 1 column 6"),
        ("1.", "EOF while parsing a value at line 1 column 2"),
        ("Infinity", "expected value at line 1 column 1"),
        ("nope", "expected ident at line 1 column 2"),
        (r#"{"a":1,}"#, "trailing comma at line 1 column 8"),
        (r#"{"a":1}x"#, "trailing characters at line 1 column 8"),
        ("{a:1}", "key must be a string at line 1 column 2"),
        ("1 2", "trailing characters at line 1 column 3"),
        ("tru", "EOF while parsing a value at line 1 column 3"),
        ("'a'", "expected value at line 1 column 1"),
        ("01", "invalid number at line 1 column 2"),
        ("{", "EOF while parsing an object at line 1 column 1"),
        ("[1,", "EOF while parsing a value at line 1 column 3"),
        ("[1,]", "trailing comma at line 1 column 4"),
    ] {
        assert_eq!(refusal(text.as_bytes()), wanted, "{text}");
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    for text in [&b"\"a\xff\""[..], b"\"\\n\xc3\"", b"{\"\xc3\":1}", b"[1,\n\"\xed\xa0\x80\"]"] {
        let serde = serde_json::from_slice::<serde_json::Value>(text).unwrap_err().to_string();
        assert!(serde.starts_with("invalid unicode code point at line"), "{serde}");
        assert_eq!(refusal(text), serde);
    }
}

#[test]
fn containers_nest_to_the_limit_and_no_deeper() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(document(&nested(DEPTH_MAX)).root().depth(), DEPTH_MAX);
    assert_eq!(refusal(nested(DEPTH_MAX + 1).as_bytes()), "recursion limit exceeded at line 1 column 129");
    let objects = format!("\n {}", "{\"a\":".repeat(DEPTH_MAX + 1));
    assert_eq!(refusal(objects.as_bytes()), "recursion limit exceeded at line 2 column 642");
    assert_eq!(refusal("[".repeat(1_000_000).as_bytes()), "recursion limit exceeded at line 1 column 129");
}

#[test]
fn the_depth_error_has_the_position_of_serde_json() {
    for open in ["[", " [", "\n[", "{\"a\":", "{\"a\"\n:\t"] {
        let text = open.repeat(200);
        let serde = serde_json::from_str::<serde_json::Value>(&text).unwrap_err().to_string();
        let depth = text.char_indices().filter(|(_, mark)| "[{".contains(*mark)).nth(127).unwrap().0;
        assert_eq!(serde, explain(text.as_bytes(), Fault::Deep(depth), &ParseLimits::default()).text());
    }
}

#[test]
fn a_repeated_key_keeps_its_first_position_and_its_last_value() {
    assert_eq!(
        text_of(&document(r#"{"a":1,"b":2,"a":[3],"c":4,"a":{"x":5}}"#)),
        r#"{"a":{"x":5},"b":2,"c":4}"#
    );
    assert_eq!(text_of(&document(r#"[{"a":1,"\u0061":{"b":1,"b":2}},1]"#)), r#"[{"a":{"b":2}},1]"#);
    let many = |count: usize| {
        let members: Vec<String> = (0..count).map(|key| format!("\"key{}\":{key}", key % 50)).collect();
        document(&format!("{{{}}}", members.join(",")))
    };
    assert_eq!(many(50).root().count(), 50);
    assert_eq!(many(75).root().count(), 50);
    assert_eq!(many(75).root().member(b"key24").and_then(|member| member.value.as_i64()), Some(74));
    assert_eq!(many(75).root().member(b"key25").and_then(|member| member.value.as_i64()), Some(25));
}

#[test]
fn a_document_over_the_limit_is_refused_as_text_and_as_encoding() {
    let limits = ParseLimits { document_bytes_max: 12 };
    assert!(parse(b"[1,2,3,4,5]", &limits).is_ok());
    assert_eq!(
        parse(b"[1,2,3,4,5,6]", &limits).unwrap_err().text(),
        "document is larger than the limit of 12 bytes"
    );
    assert!(parse(b"[-0,-0,-0]", &limits).is_err());
}

#[test]
fn an_error_leaves_the_builder_as_it_was() {
    let mut out = Builder::new();
    out.int(7);
    assert!(parse_into(&mut out, b"[1,{\"a\":", &ParseLimits::default()).is_err());
    assert_eq!(out.len(), 2);
    assert!(parse_into(&mut out, b" [] ", &ParseLimits::default()).is_ok());
    assert_eq!(out.len(), 3);
}

#[test]
fn long_containers_keep_their_elements() {
    for count in [1, 10, 11, 12, 40, 90, 300, 30_000] {
        let text = format!("[{}]", vec!["-0"; count].join(","));
        let parsed = document(&text);
        assert_eq!(parsed.root().count(), count);
        assert_eq!(parsed.root().end(), parsed.encoded().len());
        assert_eq!(crate::json::check(parsed.encoded()), Ok(()));
    }
}
