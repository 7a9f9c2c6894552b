//! Replays recorded conversations of RedisJSON and Redis in both protocols, and compares the
//! replies.
//!
//! `divergences.txt` lists the cases that disagree on purpose, each with a reason; a listed case
//! that agrees fails the test. `CONFORMANCE_ONLY=text` replays only the cases whose id contains the
//! text.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bytes::Bytes;
use jsonvault::resp::{Protocol, Value};
use serde_json::{Value as Json, json};

use crate::vault::Vault;

/// Maximum number of disagreements that are shown; further ones are only counted.
const SHOWN_MAX: usize = 40;

struct Step {
    words: Vec<Bytes>,
    /// The recorded replies in RESP2 and in RESP3.
    wanted: [Option<Json>; 2],
    sort: bool,
    unordered: bool,
}

struct Case {
    id: String,
    group: String,
    steps: Vec<Step>,
}

/// The part of an error reply that has to agree.
#[derive(Clone, Copy, PartialEq)]
enum Errors {
    Code,
    Text,
}

#[test]
fn replies_match_the_recordings() {
    let only = std::env::var("CONFORMANCE_ONLY").unwrap_or_default();
    let divergences = divergences();
    let mut vault = Vault::new();
    let mut groups: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let (mut wrong, mut stale, mut shown) = (0, Vec::new(), 0);
    let cases = cases();
    for case in cases.iter().filter(|case| case.id.contains(&only)) {
        let figures = groups.entry(case.group.clone()).or_default();
        figures[0] += 1;
        figures[1] += usize::from(play(&mut vault, case, Errors::Code).is_none());
        let fault = play(&mut vault, case, Errors::Text);
        figures[2] += usize::from(fault.is_none());
        match (fault, divergences.get(&case.id)) {
            (Some(fault), None) => {
                wrong += 1;
                if shown < SHOWN_MAX {
                    println!("{}: {fault}", case.id);
                    shown += 1;
                }
            }
            (None, Some(_)) => stale.push(case.id.clone()),
            _ => {}
        }
    }
    report(&groups);
    let known: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    let unknown: Vec<_> = divergences.keys().filter(|id| !known.contains(&id.as_str())).collect();
    assert!(unknown.is_empty(), "each divergence names a case that exists, also {unknown:?}");
    assert!(stale.is_empty(), "each case that is listed as a divergence disagrees, also {stale:?}");
    assert_eq!(wrong, 0, "each case that disagrees is listed as a divergence");
}

fn report(groups: &BTreeMap<String, [usize; 3]>) {
    let mut sum = [0; 3];
    for (group, figures) in groups {
        println!("{group:28} {:5} of {:5}, {:5} with error texts", figures[1], figures[0], figures[2]);
        (0..3).for_each(|nth| sum[nth] += figures[nth]);
    }
    println!("{} of {} agree by error code, {} by error text", sum[1], sum[0], sum[2]);
}

/// Runs a case, and returns the first disagreement.
fn play(vault: &mut Vault, case: &Case, errors: Errors) -> Option<String> {
    for (nth, protocol) in [Protocol::Resp2, Protocol::Resp3].into_iter().enumerate() {
        vault.begin(protocol);
        for step in &case.steps {
            let got = shape(&vault.read(&step.words));
            let Some(wanted) = &step.wanted[nth] else { continue };
            if !agree(wanted, &got, errors, step) {
                let words: Vec<_> = step.words.iter().map(|word| word.escape_ascii().to_string()).collect();
                return Some(format!("{protocol:?} {}\n    want {wanted}\n    got  {got}", words.join(" ")));
            }
        }
    }
    None
}

fn agree(wanted: &Json, got: &Json, errors: Errors, step: &Step) -> bool {
    if let (Some(wanted), Some(got)) = (wanted["e"].as_str(), got["e"].as_str())
        && errors == Errors::Code
    {
        return code(wanted).is_none() || code(wanted) == code(got);
    }
    normal(wanted, errors, step.sort, step.unordered) == normal(got, errors, step.sort, step.unordered)
}

fn code(line: &str) -> Option<&str> {
    let word = line.split(' ').next()?;
    let upper = word.chars().any(char::is_alphabetic) && word.to_uppercase() == word;
    upper.then_some(word)
}

/// The reply without the parts that may differ.
fn normal(reply: &Json, errors: Errors, sort: bool, unordered: bool) -> Json {
    let below = |reply: &Json| normal(reply, errors, sort, false);
    let sorted = |mut items: Vec<Json>| {
        items.sort_by_key(Json::to_string);
        items
    };
    if let Json::Array(items) = reply {
        let items: Vec<Json> = items.iter().map(below).collect();
        return Json::Array(if sort { sorted(items) } else { items });
    }
    let Some((kind, value)) = reply.as_object().and_then(|reply| reply.iter().next()) else {
        return reply.clone();
    };
    match (kind.as_str(), value) {
        ("b", Json::String(text)) if unordered => match serde_json::from_str::<Json>(text) {
            Ok(value) => json!({ "json": members_sorted(value) }),
            Err(_) => {
                let mut characters: Vec<char> = text.chars().filter(|&letter| letter != ',').collect();
                characters.sort_unstable();
                json!({ "characters": characters.into_iter().collect::<String>() })
            }
        },
        ("e", Json::String(text)) if errors == Errors::Code => json!({ "e": code(text) }),
        ("d", Json::String(text)) => json!({ "d": text.parse::<f64>().ok().map(|real| format!("{real:?}")) }),
        ("m", Json::Array(pairs)) => {
            let pair = |pair: &Json| json!([below(&pair[0]), below(&pair[1])]);
            json!({ "m": sorted(pairs.iter().map(pair).collect()) })
        }
        ("set", Json::Array(items)) => json!({ "set": sorted(items.iter().map(below).collect()) }),
        _ => reply.clone(),
    }
}

fn members_sorted(value: Json) -> Json {
    match value {
        Json::Object(members) => {
            let sorted: BTreeMap<_, _> =
                members.into_iter().map(|(key, value)| (key, members_sorted(value))).collect();
            json!(sorted)
        }
        Json::Array(items) => items.into_iter().map(members_sorted).collect(),
        other => other,
    }
}

/// A reply in the format of the recordings, in which bytes are Latin-1 characters.
fn shape(reply: &Value) -> Json {
    let text = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
    let all = |items: &[Value]| items.iter().map(shape).collect::<Vec<_>>();
    match reply {
        Value::Simple(bytes) => json!({ "s": text(bytes) }),
        Value::Error(line) => json!({ "e": text(line.as_bytes()) }),
        Value::Integer(whole) => json!({ "i": whole }),
        Value::Double(real) => json!({ "d": format!("{real:?}") }),
        Value::Boolean(truth) => json!({ "t": truth }),
        Value::Bulk(bytes) => json!({ "b": text(bytes) }),
        Value::Verbatim(bytes) => json!({ "v": text(bytes) }),
        Value::BigNumber(bytes) => json!({ "big": text(bytes) }),
        Value::Null => json!({ "n": 0 }),
        Value::Array(items) | Value::Push(items) => Json::Array(all(items)),
        Value::Set(items) => json!({ "set": all(items) }),
        Value::Map(pairs) => {
            json!({ "m": pairs.iter().map(|(key, value)| json!([shape(key), shape(value)])).collect::<Vec<_>>() })
        }
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance"))
}

fn cases() -> Vec<Case> {
    let mut files: Vec<_> = std::fs::read_dir(folder().join("cases")).unwrap().collect();
    files.sort_by_key(|file| file.as_ref().unwrap().path());
    let texts = files.into_iter().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let lines: Vec<String> =
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    lines.iter().filter(|line| !line.trim().is_empty()).map(|line| case(line)).collect()
}

fn case(line: &str) -> Case {
    let case: Json = serde_json::from_str(line).unwrap();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let bytes = |word: &Json| -> Bytes { text(word).chars().map(|letter| letter as u8).collect() };
    let step = |step: &Json| {
        let wanted = |name: &str| step.get("r").or_else(|| step.get(name)).cloned();
        Step {
            words: step["cmd"].as_array().unwrap().iter().map(bytes).collect(),
            wanted: [wanted("r2"), wanted("r3")],
            sort: step["sort"] == true,
            unordered: step["unordered"] == true,
        }
    };
    let steps = case["steps"].as_array().unwrap().iter().map(step).collect();
    Case { id: text(&case["id"]), group: text(&case["group"]), steps }
}

/// Reads the divergences: lines of the form `id | reason`.
fn divergences() -> HashMap<String, String> {
    let text = std::fs::read_to_string(folder().join("divergences.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (id, reason) = line.split_once(" | ").expect("id | reason");
            assert!(!reason.trim().is_empty(), "{id}: a divergence needs a reason");
            (id.trim().to_owned(), reason.to_owned())
        })
        .collect()
}
