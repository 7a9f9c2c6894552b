//! Documents that can be told from each other and made again, and writers that send them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonvault::resp::{Value, encode_request};

use super::Client;

/// The document of a key, in the compact text that JSON.GET answers. Kinds and sizes vary with the key.
pub fn document(key: &str) -> String {
    let sum = key.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let bytes = match sum % 100 {
        0 => 20_000,
        1..=9 => 3000,
        _ => 150,
    };
    let padding = "a–b ".repeat((sum as usize % bytes) / 6);
    format!(
        r#"{{"key":"{key}","sum":{sum},"part":{}.5,"flags":[true,false,null],"quote":"\"\\\n","padding":"{padding}"}}"#,
        sum % 1000
    )
}

pub fn set_request(key: &str) -> Vec<String> {
    ["JSON.SET", key, "$", &document(key)].map(str::to_owned).to_vec()
}

/// What was sent in a test, and whether it was acknowledged.
#[derive(Debug, Default)]
pub struct Ledger {
    sent: BTreeMap<String, bool>,
}

/// What a ledger and a node have in common.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub acknowledged: usize,
    /// Stored, but the client was not told.
    pub unacknowledged: usize,
}

impl Ledger {
    pub fn sent(&mut self, key: String) {
        self.sent.entry(key).or_insert(false);
    }

    pub fn acknowledged(&mut self, key: &str) {
        let known = self.sent.get_mut(key).unwrap_or_else(|| panic!("{key} was acknowledged and never sent"));
        *known = true;
    }

    pub fn merge(&mut self, other: Ledger) {
        self.sent.extend(other.sent);
    }

    /// Checks that every acknowledged document is there as it was sent, that one which was sent without an answer is
    /// whole or absent, and that there is nothing else.
    pub fn check(&self, client: &mut Client) -> Found {
        let keys: Vec<&String> = self.sent.keys().collect();
        let mut found = Found { acknowledged: 0, unacknowledged: 0 };
        for chunk in keys.chunks(500) {
            let requests: Vec<Vec<&str>> = chunk.iter().map(|key| vec!["JSON.GET", key.as_str()]).collect();
            for (key, reply) in chunk.iter().zip(client.pipeline(&requests)) {
                match reply {
                    Value::Null => assert!(!self.sent[*key], "{key} was acknowledged and is gone"),
                    reply => {
                        let text = reply.text().unwrap_or_else(|| panic!("{key}: {reply:?}"));
                        assert_eq!(text, document(key).as_bytes(), "{key} is not what was sent");
                        *if self.sent[*key] { &mut found.acknowledged } else { &mut found.unacknowledged } +=
                            1;
                    }
                }
            }
        }
        let stored = client.integer("DBSIZE") as usize;
        assert_eq!(stored, found.acknowledged + found.unacknowledged, "there are keys that were never sent");
        found
    }
}

/// Writes documents, `window` requests at a time, until the connection ends, or until `enough` of them were sent.
/// `acknowledged` counts along. Replies other than OK end the test, but for those of `allowed`.
pub fn write_until_lost(
    address: &str,
    prefix: &str,
    window: usize,
    enough: usize,
    acknowledged: &AtomicU64,
) -> Ledger {
    let mut ledger = Ledger::default();
    let Ok(mut client) = Client::try_connect(address) else { return ledger };
    for first in (0..enough).step_by(window) {
        let keys: Vec<String> =
            (first..enough.min(first + window)).map(|number| format!("{prefix}:{number}")).collect();
        let mut bytes = Vec::new();
        for key in &keys {
            encode_request(&set_request(key), &mut bytes);
            ledger.sent(key.clone());
        }
        // Replies may lie ready although the connection has ended: they are promises too.
        let sent = client.send_bytes(&bytes);
        for key in &keys {
            match client.receive() {
                Ok(reply) => assert_eq!(reply, Value::Simple("OK".into()), "{key}"),
                Err(_) => return ledger,
            }
            ledger.acknowledged(key);
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        if sent.is_err() {
            return ledger;
        }
    }
    ledger
}
