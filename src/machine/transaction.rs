//! A transaction in its form in the log: one command that holds others, with the condition for its
//! execution.
//!
//! Invariants:
//! * no other command sees a part of it: the keyspace is held from its first command to its last;
//! * it is executed as a whole or not at all, and not at all if the version of a watched key has
//!   changed;
//! * a command in it that returns an error has changed nothing and does not stop the others, as in
//!   Redis.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::batch::check_write;
use super::{Audience, Budgets, Malformed};
use crate::command::{Budget, Context, Route, Row, SeedSource, codes, table};
use crate::error::{CommandError, Unavailable};
use crate::keyspace::{Access, Alone, ApplyContext, Key, Keyspace, Scope};
use crate::resp::{Protocol, Reply};

/// The code of a transaction in the log; no row of the table has it.
pub const CODE: u16 = codes::TRANSACTION;

/// Commands that are executed together.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    /// Keys with the versions that they must have; `None` if the key must be absent.
    watched: Vec<(Key, Option<u64>)>,
    protocol: Protocol,
    items: Vec<Item>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Item {
    /// In its canonical form.
    Write { code: u16, body: Bytes },
    /// In the form received, because its reply is not part of the state. A random number was drawn
    /// in advance for its choices, so that they are the same on every replica.
    Read { words: Vec<Bytes>, drawn: u64 },
}

impl Transaction {
    pub fn new(watched: Vec<(Key, Option<u64>)>, protocol: Protocol) -> Transaction {
        Transaction { watched, protocol, items: Vec::new() }
    }

    /// Adds a command that writes or reads. On an error nothing was added.
    ///
    /// # Panics
    /// If the row is neither a read nor a write.
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

    /// Whether there is nothing to execute and nothing to check.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.watched.is_empty()
    }

    /// Executes a transaction that only reads, without an entry; the caller holds the keyspace
    /// alone, between two entries.
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
        match postcard::take_from_bytes(body) {
            Ok((transaction, [])) => Ok(transaction),
            Ok(_) | Err(_) => Err(Malformed { reason: "a transaction does not decode" }),
        }
    }

    /// Whether this version can execute an encoded transaction.
    pub(super) fn check(body: &[u8]) -> Result<(), Malformed> {
        Transaction::decode(body)?.items.iter().try_for_each(|item| match item {
            Item::Write { code, body } => check_write(*code, body),
            Item::Read { words, .. } if words.is_empty() => {
                Err(Malformed { reason: "a command that this version does not know" })
            }
            Item::Read { .. } => Ok(()),
        })
    }

    /// Executes an encoded transaction within the entry that `context` belongs to.
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
                // The state does not depend on it.
                Item::Read { .. } if audience == Audience::None => Reply::Null,
                Item::Read { .. } if budget.is_spent() => Reply::Error(Budget::SPENT),
                Item::Read { words, drawn } => {
                    read(&words, &read_context(drawn), access.within(budgets.reads.next_command()))
                }
            };
            replies.push(match budget.spend_on_reply(&reply) {
                Ok(()) => reply,
                // The write was applied, but its reply has no room.
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

/// A read that this version does not know is an error reply and no fault of the node: it changes
/// nothing.
fn read(words: &[Bytes], context: &Context, access: Access<'_>) -> Reply {
    let row = words.first().and_then(|name| table::find(name));
    let Some(run) = row.and_then(|row| row.reads(&words[1..])) else {
        return Reply::Error(CommandError::fixed(
            "ERR this version does not know a command of the transaction",
        ));
    };
    run(&words[1..], context, access).into()
}
