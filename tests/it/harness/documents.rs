//! Documents that are derived from their keys, writers that send them, and a ledger of what is
//! known about each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonvault::resp::{Value, encode_request};

use super::Client;

/// The document for a key, in the compact text of JSON.GET. Types and sizes depend on the key.
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

/// What is known about a document that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The document was sent, and no reply told whether it was stored: it may or may not exist.
    Unknown,
    /// The document was acknowledged, or found once, so it must exist.
    Stored,
    /// The document was refused, or missing once, so it must not appear later.
    Absent,
}

/// The documents that a test has sent, with what is known about each.
#[derive(Debug, Default)]
pub struct Ledger {
    sent: BTreeMap<String, Fate>,
}

/// The result of comparing a ledger with the documents of a node.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Number of documents that had to be stored, and were found.
    pub expected: usize,
    /// Number of documents that were found, although no reply told that they were stored.
    pub unacknowledged: usize,
}

impl Ledger {
    pub fn sent(&mut self, key: String) {
        self.sent.entry(key).or_insert(Fate::Unknown);
    }

    pub fn acknowledged(&mut self, key: &str) {
        let known = self.sent.get_mut(key).unwrap_or_else(|| panic!("{key} was acknowledged and never sent"));
        *known = Fate::Stored;
    }

    /// Records that the node reported that nothing was changed.
    pub fn refused(&mut self, key: &str) {
        self.sent.insert(key.to_owned(), Fate::Absent);
    }

    pub fn merge(&mut self, other: Ledger) {
        self.sent.extend(other.sent);
    }

    /// Checks that every acknowledged document exists and is equal to the one sent; that a document
    /// without a reply is either complete or absent, and remains so; and that no other keys exist.
    pub fn check(&mut self, client: &mut Client) -> Found {
        self.check_beside(client, 0)
    }

    /// Like [`Ledger::check`], but there are also `others` other keys.
    pub fn check_beside(&mut self, client: &mut Client, others: usize) -> Found {
        let keys: Vec<String> = self.sent.keys().cloned().collect();
        let mut found = Found { expected: 0, unacknowledged: 0 };
        for chunk in keys.chunks(500) {
            let requests: Vec<Vec<&str>> = chunk.iter().map(|key| vec!["JSON.GET", key.as_str()]).collect();
            for (key, reply) in chunk.iter().zip(client.pipeline(&requests)) {
                self.settle(key, &reply, &mut found);
            }
        }
        let stored = client.integer("DBSIZE") as usize - others;
        assert_eq!(stored, found.expected + found.unacknowledged, "every key on the node was sent");
        found
    }

    fn settle(&mut self, key: &str, reply: &Value, found: &mut Found) {
        let fate = self.sent.get_mut(key).expect("the key was sent");
        if *reply == Value::Null {
            assert_ne!(*fate, Fate::Stored, "{key} exists, as it was acknowledged or found before");
            *fate = Fate::Absent;
            return;
        }
        let text = reply.text().unwrap_or_else(|| panic!("{key}: {reply:?}"));
        assert_eq!(text, document(key).as_bytes(), "{key} is what was sent");
        match fate {
            Fate::Stored => found.expected += 1,
            Fate::Unknown => found.unacknowledged += 1,
            Fate::Absent => panic!("{key} was absent and has appeared"),
        }
        *fate = Fate::Stored;
    }
}

/// Writes documents, `window` requests at a time, until the connection ends or `enough` of them
/// have been sent. `acknowledged` counts the acknowledged ones. A reply other than OK fails the
/// test.
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
        // Replies that arrive before the connection ends count as acknowledgements, even if sending
        // fails.
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
