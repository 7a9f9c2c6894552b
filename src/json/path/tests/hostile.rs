//! Malicious paths: each must end quickly with a result or an error, without a panic.

use super::testing;
use crate::error::CommandError;
use crate::json::path::*;
use crate::json::{Builder, DEPTH_MAX, Document, Kind, TOO_DEEP};

fn nested(depth: usize) -> Document {
    testing::parsed(&format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth)))
}

fn steps_used(path: &str, document: &Document) -> (Result<usize, CommandError>, u64) {
    let path = match Path::parse(path.as_bytes()) {
        Ok(path) => path,
        Err(error) => return (Err(error), 0),
    };
    let mut fuel = Fuel::for_document(document);
    let before = fuel.left();
    let found = path.select(document, &mut fuel).map(|selection| match selection {
        Selection::Locations(locations) => locations.len(),
        Selection::Values(values) => values.len(),
    });
    (found, before - fuel.left())
}

#[test]
fn descendants_of_descendants_run_out_of_fuel() {
    let document = nested(100);
    for path in [
        "$..a..a..a..a",
        "$..*..*..*..*..*",
        "$..[?(@..[?(@..[?(@..z)])])]",
        "$..*[?($..*[?($..*[?(1==2)])])]",
    ] {
        assert_eq!(steps_used(path, &document).0, Err(CommandError::OUT_OF_FUEL), "{path}");
    }
    assert_eq!(steps_used("$..a..a", &document).0, Ok(4950));
}

#[test]
fn nesting_is_refused_beyond_its_limit() {
    let document = nested(2);
    let limit = CommandError::fixed("ERR recursion limit exceeded");
    let hostile = [
        format!("$[?{}@{}]", "(".repeat(1000), ")".repeat(1000)),
        format!("$[?{}@]", "(".repeat(1000)),
        format!("$[?{}@]", "!".repeat(1000)),
        format!("$[?@=={}]", "[".repeat(1000)),
        format!("$[?@=={}", "{'a':".repeat(1000)),
        format!("$[?{}@.a{}]", "length(".repeat(1000), ")".repeat(1000)),
        format!("$.a{}", ".keys()".repeat(1000)),
        format!("$.a * {}1", "(".repeat(1000)),
        format!("$[?{}@]", "-".repeat(1000)),
        format!("-{}$.a", "- ".repeat(1000)),
        format!("{}$.a{}", "length(".repeat(1000), ")".repeat(1000)),
        format!("$.a{}", ".append(1)".repeat(1000)),
    ];
    for path in hostile {
        assert_eq!(steps_used(&path, &document).0, Err(limit.clone()), "{}", &path[..20]);
    }
    let filters = CommandError::fixed("ERR the path nests filters too deeply");
    assert_eq!(steps_used(&format!("$[?@{}", "[?@".repeat(1000)), &document).0, Err(filters));
}

#[test]
fn nesting_within_its_limit_works() {
    let document = testing::parsed("[1]");
    let deep = GROUP_NESTING_MAX - 1;
    let groups = format!("$[?{}@{}]", "(".repeat(deep), ")".repeat(deep));
    assert_eq!(steps_used(&groups, &document).0, Ok(1));
    let calls = format!("$[?{}@{}==3]", "abs(".repeat(deep), ")".repeat(deep));
    assert_eq!(steps_used(&calls, &document).0, Ok(0));
    let chain = format!("$[?@{}]", " + 1".repeat(5000));
    assert_eq!(steps_used(&chain, &document).0, Ok(1));
    let steps = "[0]".repeat(10_000);
    assert_eq!(steps_used(&format!("${steps}"), &document).0, Ok(0));
    assert_eq!(
        steps_used(&format!("${}", "..*".repeat(10_000)), &nested(120)).0,
        Err(CommandError::OUT_OF_FUEL)
    );
}

#[test]
fn broken_text_is_an_error() {
    let document = nested(2);
    for path in
        ["$[\"\\u", "$[?", "$[?@[?[?[?", "$[?length(", "$.a.sum(", "$['\\", "$[?@=~'", "\u{0}", "$[?@.a=~("]
    {
        assert!(steps_used(path, &document).0.is_err(), "{path}");
    }
    assert!(steps_used(&format!("$.a{}", " ~".repeat(1000)), &document).0.is_err());
    assert!(Path::parse(b"$.\xff").is_err());
    assert!(Path::parse(&vec![b'a'; PATH_BYTES_MAX + 1]).is_err());
    assert!(Path::parse(format!("$[{}1]", "1,".repeat(UNION_MAX)).as_bytes()).is_err());
    assert!(Path::parse(format!("$[?{}]", ["@=~'a'"; PATTERNS_MAX + 1].join("||")).as_bytes()).is_err());
}

#[test]
fn patterns_are_bounded() {
    let document = testing::parsed(&format!(r#"["{}"]"#, "a".repeat(10_000)));
    assert_eq!(
        steps_used(r"$[?(@=~'(\w{100}){100}{100}')]", &document).0,
        Ok(0),
        "the pattern does not compile"
    );
    assert_eq!(steps_used("$[?(@=~'(a*)*b')]", &document).0, Ok(0));
    let many: Vec<String> = (0..200).map(|at| format!(r#""a{at}""#)).collect();
    let patterns = testing::parsed(&format!("[{}]", many.join(",")));
    assert_eq!(steps_used("$[?('x'=~@)]", &patterns).0, Err(CommandError::OUT_OF_FUEL));
}

#[test]
fn a_full_scan_is_linear_and_allowed() {
    let mut out = Builder::new();
    let all = out.open(Kind::Array, 0);
    for at in 0..200_000 {
        let one = out.open(Kind::Object, 40);
        out.text(b"price");
        out.int(at % 100);
        out.text(b"name");
        out.text(b"something");
        out.close(one);
    }
    out.close(all);
    let document = Document::from_trusted(&out.into_bytes());
    assert_eq!(steps_used("$..*", &document).0, Ok(600_000));
    assert_eq!(steps_used("$..price", &document).0, Ok(200_000));
    assert_eq!(steps_used("$[?(@.price<50 && @.name=='something')]", &document).0, Ok(100_000));
    assert_eq!(steps_used("$[?(@.price in $[*].price)]", &document).0, Err(CommandError::OUT_OF_FUEL));
}

#[test]
fn lists_cost_fuel_by_the_byte() {
    let document = nested(100);
    // Thirty calls that each copy the list so far and a document are allowed. With several thousand
    // matches in each call, they run out of fuel.
    let chain = format!("$..*{}", ".append($)".repeat(30));
    assert_eq!(steps_used(&chain, &document).0, Ok(130));
    let chain = format!("$..*..*{}", ".append($..*..*)".repeat(30));
    assert_eq!(steps_used(&chain, &document).0, Err(CommandError::OUT_OF_FUEL));
    let nested_calls = format!("{}$.a{}", "append($, ".repeat(100), ")".repeat(100));
    assert_eq!(steps_used(&nested_calls, &document).0, Err(TOO_DEEP), "the list nests too deep");
    let child = "[".repeat(DEPTH_MAX - 1) + &"]".repeat(DEPTH_MAX - 1);
    let deepest = crate::json::parse::tests::document(&format!("[{child},{child}]"));
    assert_eq!(steps_used("append(1, $[*])", &deepest).0, Ok(2));
    assert_eq!(steps_used("append(1, append(2, $))", &deepest).0, Err(TOO_DEEP));
    let names: Vec<String> = (0..100).map(|at| format!("{:?}:0", format!("{at:01000}"))).collect();
    let wide = testing::parsed(&format!("[{}]", vec![format!("{{{}}}", names.join(",")); 10].join(",")));
    let (found, steps) = steps_used("$[*].keys()", &wide);
    assert_eq!(found, Ok(1000));
    assert!(steps > 1_000_000 / 16, "a megabyte of names costs over 62,500 steps, not {steps}");
    let unions = format!("$[{}0].keys()", "0,".repeat(1000));
    assert_eq!(steps_used(&unions, &wide).0, Err(CommandError::OUT_OF_FUEL));
}

#[test]
fn aggregates_and_sets_cost_fuel_by_the_element() {
    let document = testing::parsed(&format!("[{}0]", "0,".repeat(9_999)));
    for method in ["sum", "min", "max", "avg", "stddev", "last", "count", "length"] {
        let (found, steps) = steps_used(&format!("$[*].{method}()"), &document);
        assert_eq!(found, Ok(usize::from(method != "length")), "{method}");
        assert!(steps >= 10_000, "{method} of 10,000 elements costs 10,000 steps or more, not {steps}");
        // This path walks the whole array for each element.
        let squared = format!("$[?@ == {method}($)]");
        let expected = Err(CommandError::OUT_OF_FUEL);
        assert!(method == "count" || steps_used(&squared, &document).0 == expected, "{method}");
    }
    for words in ["1 in $", "[1] anyof $", "[1] noneof $", "[1] subsetof $", "1 nin $", "[1] anyof $[*]"] {
        assert_eq!(
            steps_used(&format!("$[?{words}]"), &document).0,
            Err(CommandError::OUT_OF_FUEL),
            "{words}"
        );
    }
}

#[test]
fn the_printing_of_nested_matches_is_bounded() {
    let document = nested(100);
    let path = Path::parse(b"$..*..*..*").unwrap();
    assert!(
        path.select(&document, &mut Fuel::for_document(&document)).is_ok(),
        "the path matches 160,000 locations"
    );
    assert_eq!(path.show(&document, &mut Fuel::for_document(&document)), Err(CommandError::OUT_OF_FUEL));
    let shorter = Path::parse(b"$..*..*").unwrap();
    assert!(shorter.show(&document, &mut Fuel::for_document(&document)).is_ok());
}
