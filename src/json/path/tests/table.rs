//! Runs the table of the dialect, `table.txt`: a document, a path, its matches.

use serde_json::Value as Json;

use super::testing;
use crate::json::path::Path;

#[test]
fn every_row_of_the_table_holds() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in include_str!("table.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        rows += 1;
        let (document, rest) = line.split_once(" | ").expect(line);
        let (path, want) = rest.rsplit_once(" | ").expect(line);
        let found = testing::found(path, &testing::parsed(document));
        let same = match (&found, want.strip_prefix('!')) {
            (Err(error), Some(end)) => error.line().ends_with(end),
            (Ok(found), None) => {
                Json::Array(found.clone()) == serde_json::from_str::<Json>(want).expect(line)
            }
            _ => false,
        };
        if !same {
            wrong.push(format!("{line}\n    got {found:?}"));
        }
    }
    assert!(rows > 100, "the table can be read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn path(text: &str) -> Path {
    Path::parse(text.as_bytes()).expect(text)
}

#[test]
fn a_path_is_classified() {
    assert!(path("$").is_root() && !path("$").is_legacy() && path("$").is_static());
    assert!(path(".").is_root() && path(".").is_legacy());
    assert!(path("a").is_legacy() && !path("$.a").is_legacy());
    assert!(path("$.a['b'][-1]").is_static());
    for text in ["$.*", "$..a", "$['a','b']", "$[0,1]", "$[0:1]", "$[?(@)]", "$.a.length()"] {
        assert!(!path(text).is_static(), "{text}");
    }
    assert!(path("$.a + 1").is_projection() && path("$.a~").is_projection());
    assert!(!path("$.a-1").is_projection());
    assert_eq!(path(".a.b").text(), ".a.b");
}

#[test]
fn the_last_step_is_split_off() {
    assert!(path("$").split_last().is_none());
    assert!(path("$.a.sum()").split_last().is_none());
    let whole = path("$.a['b']");
    assert_eq!(whole.last_name(), Some(&b"b"[..]));
    let (parent, last) = whole.split_last().expect("the path has two steps");
    assert!(last.is_single());
    let document = testing::parsed(r#"{"a":{"c":1}}"#);
    let location = parent.single(&document, &mut crate::json::path::Fuel::for_document(&document)).unwrap();
    assert_eq!(
        location.map(|location| testing::json(location.value(&document)).to_string()),
        Some(r#"{"c":1}"#.into())
    );
    assert_eq!(path("$[0]").last_name(), None);
}
