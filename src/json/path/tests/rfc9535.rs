//! Runs RFC 9535's compliance suite.
//!
//! `$JSONVAULT_CTS` names the suite's `cts.json`. `tests/data/rfc9535-divergences.txt` lists the
//! cases in which RedisJSON's dialect, and therefore this implementation, differs from the RFC. The
//! test fails if a listed case agrees after all.
#![allow(clippy::disallowed_methods, reason = "the cases are read from files")]

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::testing;

fn divergences() -> BTreeMap<String, String> {
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rfc9535-divergences.txt"))
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once(" | ").expect(line))
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .collect()
}

/// The difference between our result and that of the suite, if any.
fn difference(case: &Json) -> Option<String> {
    let selector = case["selector"].as_str().unwrap_or_default();
    let invalid = case["invalid_selector"] == true;
    match (testing::found(selector, &testing::document(&case["document"])), invalid) {
        (Err(_), true) => None,
        (Err(error), false) => Some(error.to_string()),
        (Ok(_), true) => Some("an invalid path is accepted".into()),
        (Ok(found), false) => {
            let found = Json::Array(found);
            let one = std::slice::from_ref(&case["result"]);
            let allowed = case["results"].as_array().map_or(one, Vec::as_slice);
            (!allowed.contains(&found)).then(|| format!("{found}, not {}", allowed[0]))
        }
    }
}

#[test]
fn the_compliance_suite_agrees_where_the_dialects_do() {
    let Some(file) = std::env::var_os("JSONVAULT_CTS") else {
        println!("the suite is missing: set JSONVAULT_CTS");
        return;
    };
    let suite: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let cases = suite["tests"].as_array().expect("the suite has tests");
    let known = divergences();
    let (mut passed, mut wrong) = (0, Vec::new());
    for case in cases {
        let name = case["name"].as_str().expect("a case has a name");
        match (difference(case), known.contains_key(name)) {
            (None, false) => passed += 1,
            (Some(_), true) => {}
            (None, true) => wrong.push(format!("{name} | is listed, but agrees")),
            (Some(what), false) => wrong.push(format!("{name} | {} | {what}", case["selector"])),
        }
    }
    println!("{passed} of {} agree, {} are known to differ", cases.len(), known.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
