//! Runs JSON.PATCH on the public test cases of RFC 6902, in the directory `JSONVAULT_RFC6902`.

use bytes::Bytes;
use jsonvault::json::{ParseLimits, equal, parse};
use jsonvault::resp::{Protocol, Value};
use serde_json::Value as Json;

use crate::vault::Vault;

#[test]
fn the_public_cases_of_rfc_6902_pass() {
    let Some(folder) = std::env::var_os("JSONVAULT_RFC6902") else {
        println!("JSONVAULT_RFC6902 is not set: nothing was checked");
        return;
    };
    let mut vault = Vault::new();
    let mut checked = 0;
    for name in ["spec_tests.json", "tests.json"] {
        let text = std::fs::read_to_string(std::path::Path::new(&folder).join(name)).unwrap();
        let cases: Vec<Json> = serde_json::from_str(&text).unwrap();
        for case in cases.iter().filter(|case| case.get("patch").is_some()) {
            check(&mut vault, case);
            checked += 1;
        }
    }
    println!("{checked} cases");
    assert!(checked > 100, "the test cases exist");
}

fn check(vault: &mut Vault, case: &Json) {
    // The disabled case with an error is about an object that repeats a member. The test's own
    // parser drops the repeated member, so the case is skipped.
    if case["disabled"] == true && case.get("error").is_some() {
        return;
    }
    vault.begin(Protocol::Resp2);
    let mut call = |words: &[&str]| {
        vault.read(&words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect::<Vec<_>>())
    };
    assert_eq!(call(&["JSON.SET", "k", "$", &case["doc"].to_string()]), Value::Simple("OK".into()));
    let reply = call(&["JSON.PATCH", "k", &case["patch"].to_string()]);
    let Value::Bulk(after) = call(&["JSON.GET", "k"]) else { panic!("the document still exists") };
    let wanted = match case.get("error") {
        Some(_) => {
            assert!(matches!(reply, Value::Error(_)), "{case}: {reply:?}");
            &case["doc"]
        }
        None => {
            assert_eq!(reply, Value::Simple("OK".into()), "{case}");
            case.get("expected").unwrap_or(&case["doc"])
        }
    };
    let document = |text: &[u8]| parse(text, &ParseLimits::default()).unwrap();
    let (after, wanted) = (document(&after), document(wanted.to_string().as_bytes()));
    assert!(equal(after.root(), wanted.root()), "{case}: {after:?}");
}
