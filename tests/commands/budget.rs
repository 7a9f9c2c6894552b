//! Small requests with very large replies are refused.

use bytes::Bytes;
use jsonvault::command::{Budget, REPLY_BYTES_MAX};
use jsonvault::resp::{Protocol, Reply};

use crate::vault::Vault;

const TEXT_BYTES: usize = 8 << 20;

fn ask(vault: &mut Vault, words: impl IntoIterator<Item = String>) -> Reply {
    vault.call(&words.into_iter().map(Bytes::from).collect::<Vec<_>>())
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_request_with_too_large_a_reply_is_refused() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp3);
    let text = "x".repeat(TEXT_BYTES);
    ask(&mut vault, ["JSON.SET", "k", "$", &format!("\"{text}\"")].map(str::to_owned));
    ask(&mut vault, ["SET", "text", &text].map(str::to_owned));
    let numbers = format!("[{}]", vec!["1"; 1 << 18].join(","));
    ask(&mut vault, ["JSON.SET", "numbers", "$", &numbers].map(str::to_owned));
    let too_many = REPLY_BYTES_MAX / TEXT_BYTES + 1;

    let named = |command: &str, key: &str, times: usize| {
        let mut request = vec![command.to_owned()];
        request.extend(vec![key.to_owned(); times]);
        request
    };
    let mget = |times| [named("JSON.MGET", "k", times), words("$")].concat();
    assert_eq!(ask(&mut vault, mget(too_many)), Reply::Error(Budget::SPENT));
    assert!(matches!(ask(&mut vault, mget(3)), Reply::Array(replies) if replies.len() == 3));
    assert_eq!(ask(&mut vault, named("MGET", "text", too_many)), Reply::Error(Budget::SPENT));
    assert!(matches!(ask(&mut vault, named("MGET", "text", 3)), Reply::Array(replies) if replies.len() == 3));

    // Paths that differ in their spelling and match the same values.
    let paths = (0..too_many).map(|spaces| format!("$..[{}?@==1]", " ".repeat(spaces))).collect::<Vec<_>>();
    let expanded = [words("JSON.GET numbers FORMAT EXPAND"), paths].concat();
    assert_eq!(ask(&mut vault, expanded), Reply::Error(Budget::SPENT));
    let indent = vec!["JSON.GET".to_owned(), "numbers".to_owned(), "INDENT".to_owned(), " ".repeat(1 << 12)];
    assert_eq!(ask(&mut vault, indent), Reply::Error(Budget::SPENT));
}

#[test]
fn a_collection_too_large_for_a_reply_is_neither_returned_nor_removed() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp3);
    let text = "x".repeat(TEXT_BYTES);
    let count = REPLY_BYTES_MAX / TEXT_BYTES;
    for _ in 0..count {
        ask(&mut vault, ["RPUSH", "list", &text].map(str::to_owned));
    }
    for line in ["LRANGE list 0 -1", "LPOP list 1000", "RPOP list 1000"] {
        assert_eq!(ask(&mut vault, words(line)), Reply::Error(Budget::SPENT), "{line}");
    }
    assert_eq!(ask(&mut vault, words("LLEN list")), Reply::Integer(count as i64));
    assert!(matches!(ask(&mut vault, words("LRANGE list 0 2")), Reply::Array(replies) if replies.len() == 3));

    ask(&mut vault, words("SADD set a"));
    ask(&mut vault, words("HSET hash a 1"));
    for line in ["SRANDMEMBER set -9223372036854775807", "HRANDFIELD hash -100000000 WITHVALUES"] {
        assert_eq!(ask(&mut vault, words(line)), Reply::Error(Budget::SPENT), "{line}");
    }
}
