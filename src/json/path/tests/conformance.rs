//! Compares evaluations with recorded replies of RedisJSON, for the recorded cases that set a
//! document and read one `$` path.
//!
//! The recordings are in `$JSONVAULT_CONFORMANCE`, by default `tests/conformance/cases`.
#![allow(clippy::disallowed_methods, reason = "the cases are read from files")]

use std::path::PathBuf;

use serde_json::Value as Json;

use super::testing;

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("JSONVAULT_CONFORMANCE").map(PathBuf::from);
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases");
    named.or_else(|| own.is_dir().then_some(own))
}

/// Decodes a recorded string, in which each character stands for one byte (Latin-1).
fn utf8(latin1: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = latin1.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
    String::from_utf8(bytes?).ok()
}

fn arguments(step: &Json) -> Vec<String> {
    let arguments = step["cmd"].as_array().map(Vec::as_slice).unwrap_or_default();
    arguments.iter().filter_map(|argument| utf8(argument.as_str()?)).collect()
}

/// The difference between our result and the recorded one, if any.
fn difference(document: &str, path: &str, reply: &Json) -> Option<String> {
    let document = testing::document(&serde_json::from_str(document).ok()?);
    let ours = testing::found(path, &document);
    let legacy = !(path == "$" || path.starts_with("$.") || path.starts_with("$["));
    let error = reply["e"].as_str();
    match (ours, error) {
        (Err(answer), Some(error)) => (answer.line() != error).then(|| format!("{answer}\n    want {error}")),
        (Err(answer), None) => Some(format!("{answer}\n    want {reply}")),
        (Ok(found), Some(error)) if error.contains("Path does not exist") => {
            (!found.is_empty()).then(|| format!("{found:?}\n    want {error}"))
        }
        (Ok(found), Some(error)) => Some(format!("{found:?}\n    want {error}")),
        (Ok(found), None) if reply.is_array() => {
            let want = reply.as_array().map_or(0, Vec::len);
            (found.len() != want)
                .then(|| format!("{found:?}\n    want {want} matches in {}", testing::json(document.root())))
        }
        (Ok(found), None) => {
            let want: Json = serde_json::from_str(&utf8(reply["b"].as_str()?)?).ok()?;
            let same = if legacy { found.first() == Some(&want) } else { want == Json::Array(found.clone()) };
            (!same).then(|| format!("{found:?}\n    want {want}"))
        }
    }
}

/// The reads in a recorded case, and its path errors: (document, path, reply).
fn checks(case: &Json) -> Vec<(String, String, Json)> {
    let mut document: Option<String> = None;
    let mut checks = Vec::new();
    for step in case["steps"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let arguments = arguments(step);
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let reply = if step["r"].is_null() { &step["r2"] } else { &step["r"] };
        match (&words[..], &document) {
            (["JSON.SET", _, "$" | ".", json], _) => document = Some((*json).to_owned()),
            (["JSON.GET", _, "INDENT" | "NEWLINE" | "SPACE" | "NOESCAPE" | "FORMAT"], _) => {}
            (["JSON.GET", _, path], Some(json)) if !reply.is_null() && reply["n"].is_null() => {
                checks.push((json.clone(), (*path).to_owned(), reply.clone()));
            }
            (
                ["JSON.TYPE" | "JSON.RESP" | "JSON.STRLEN" | "JSON.ARRLEN" | "JSON.OBJLEN", _, path],
                Some(json),
            ) => {
                if path.starts_with('$') && reply.is_array() {
                    checks.push((json.clone(), (*path).to_owned(), reply.clone()));
                }
            }
            ([_, _, path, ..], Some(json))
                if reply["e"].as_str().is_some_and(|e| e.contains("at position")) =>
            {
                checks.push((json.clone(), (*path).to_owned(), reply.clone()));
            }
            _ => document = None,
        }
    }
    checks
}

#[test]
fn paths_match_the_recordings() {
    let Some(folder) = folder() else {
        println!("no recordings: set JSONVAULT_CONFORMANCE");
        return;
    };
    let (mut passed, mut failed) = (0, Vec::new());
    for name in ["paths", "commands", "details", "sequences"] {
        let Ok(lines) = std::fs::read_to_string(folder.join(name).with_extension("jsonl")) else { continue };
        for line in lines.lines() {
            let case: Json = serde_json::from_str(line).unwrap();
            for (document, path, reply) in checks(&case) {
                match difference(&document, &path, &reply) {
                    None => passed += 1,
                    Some(what) => failed.push(format!("{} {path}: {what}", case["id"])),
                }
            }
        }
    }
    println!("{passed} passed, {} failed", failed.len());
    for failure in failed.iter().take(40) {
        println!("{failure}");
    }
    assert!(failed.is_empty(), "{} of {} differ", failed.len(), failed.len() + passed);
}
