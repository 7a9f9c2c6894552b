//! A transaction as the log carries it: one command that holds others, and what has to be true
//! before it.
//!
//! Invariants:
//! * nobody sees a part of it: the keyspace is held from its first command to its last;
//! * it is done whole or not at all, and not at all if a watched key has another version than it
//!   had;
//! * a command of its own that answers an error has changed nothing and does not stop the others,
//!   as in Redis.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Audience, Budgets, Malformed};
use crate::command::{Budget, Context, Route, Row, SeedSource, codes, table};
use crate::error::{CommandError, Unavailable};
use crate::keyspace::{Access, Alone, ApplyContext, Key, Keyspace, Scope};
use crate::resp::{Protocol, Reply};

/// The code of a transaction in the log; no row of the table has it.
pub const CODE: u16 = codes::TRANSACTION;

/// Commands that are done together.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    /// Keys with the versions that they have to have; `None`: the key is not there.
    watched: Vec<(Key, Option<u64>)>,
    protocol: Protocol,
    items: Vec<Item>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Item {
    /// In its canonical form.
    Write { code: u16, body: Bytes },
    /// As it came: what it answers is nobody's state.
    /// A number was drawn for what it may choose: the same on every replica.
    Read { words: Vec<Bytes>, drawn: u64 },
}

impl Transaction {
    pub fn new(watched: Vec<(Key, Option<u64>)>, protocol: Protocol) -> Transaction {
        Transaction { watched, protocol, items: Vec::new() }
    }

    /// Adds a command that writes or reads. On an error nothing was added.
    ///
    /// # Panics
    /// If the row does neither.
    pub fn push(&mut self, row: &Row, words: &[Bytes], context: &Context) -> Result<(), CommandError> {
        let item = match row.route {
            Route::Write { code, canonical, .. } => {
                let mut body = Vec::new();
                canonical(&words[1..], context, &mut body)?;
                Item::Write { code, body: body.into() }
            }
            _ if row.reads(&words[1..]).is_some() => {
                Item::Read { words: words.to_vec(), drawn: context.seed.next() }
            }
            _ => panic!("{} has no place in the log", row.spec.name),
        };
        self.items.push(item);
        Ok(())
    }

    /// Whether it has to go through the log.
    pub fn writes(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Write { .. }))
    }

    /// Whether there is nothing to be done, and nothing to be checked.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.watched.is_empty()
    }

    /// Does what only reads, beside the log; the caller holds the keyspace alone, between two
    /// entries.
    ///
    /// # Panics
    /// If it writes.
    pub fn read(self, alone: &Alone<'_>, now_ms: u64) -> Reply {
        assert!(!self.writes(), "what writes goes through the log");
        self.run(alone.access(), ApplyContext { index: 0, now_ms }, (Audience::Waiting, &Budgets::default()))
            .expect("its commands are of this version")
    }

    /// Appends its form in the log.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        postcard::to_io(self, out).expect("a transaction encodes into memory");
    }

    fn decode(body: &[u8]) -> Result<Transaction, Malformed> {
        postcard::from_bytes(body).map_err(|_| Malformed { reason: "a transaction does not decode" })
    }

    /// Whether this version can do all of an encoded transaction.
    pub(super) fn check(body: &[u8]) -> Result<(), Malformed> {
        let known = |item: &Item| match item {
            Item::Write { code, .. } => table::by_code(*code).is_some(),
            Item::Read { words, .. } => !words.is_empty(),
        };
        match Transaction::decode(body)?.items.iter().all(known) {
            true => Ok(()),
            false => Err(Malformed { reason: "a command that this version does not know" }),
        }
    }

    /// Does an encoded transaction within the entry that `context` belongs to.
    pub(super) fn apply(
        body: &[u8],
        keyspace: &Keyspace,
        context: ApplyContext,
        (audience, budgets): (Audience, &Budgets),
    ) -> Result<Reply, Malformed> {
        let transaction = Transaction::decode(body)?;
        let alone = keyspace.alone();
        transaction.run(alone.access(), context, (audience, budgets))
    }

    fn run(
        self,
        access: Access<'_>,
        context: ApplyContext,
        (audience, budgets): (Audience, &Budgets),
    ) -> Result<Reply, Malformed> {
        let view = access.view(Scope::ManyKeys, context.now_ms);
        if self.watched.iter().any(|(key, version)| view.version(key.as_bytes()) != *version) {
            return Ok(Reply::NullArray);
        }
        let read_context = |drawn| Context {
            protocol: self.protocol,
            now_ms: view.now_ms(),
            document_bytes_max: usize::MAX,
            seed: SeedSource::Fixed(drawn),
        };
        let mut budget = Budget::default();
        let mut replies = Vec::with_capacity(self.items.len());
        for item in self.items {
            let writes = matches!(item, Item::Write { .. });
            let reply = match item {
                Item::Write { code, body } => {
                    write(code, &body, access.within(budgets.writes.next_command()), context)?
                }
                // Nobody's state depends on it.
                Item::Read { .. } if audience == Audience::Nobody => Reply::Null,
                Item::Read { .. } if budget.is_spent() => Reply::Error(Budget::SPENT),
                Item::Read { words, drawn } => {
                    read(&words, &read_context(drawn), access.within(budgets.reads.next_command()))
                }
            };
            replies.push(match budget.spend_on_reply(&reply) {
                Ok(()) => reply,
                // It was done, which is all that can be told of it.
                Err(_) if writes => Reply::Unavailable(Unavailable::Uncertain),
                Err(spent) => Reply::Error(spent),
            });
        }
        Ok(Reply::Array(replies))
    }
}

fn write(code: u16, body: &[u8], access: Access<'_>, context: ApplyContext) -> Result<Reply, Malformed> {
    let Some(Route::Write { apply, .. }) = table::by_code(code).map(|row| row.route) else {
        return Err(Malformed { reason: "a command that this version does not know" });
    };
    apply(body, access, context).ok_or(Malformed { reason: "a command's arguments do not decode" })
}

/// A read that this version does not know is an answer and no fault: it changes nothing.
fn read(words: &[Bytes], context: &Context, access: Access<'_>) -> Reply {
    let row = words.first().and_then(|name| table::find(name));
    let Some(run) = row.and_then(|row| row.reads(&words[1..])) else {
        return Reply::Error(CommandError::fixed(
            "ERR this version does not know a command of the transaction",
        ));
    };
    run(&words[1..], context, access).into()
}
