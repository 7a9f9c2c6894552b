//! A transaction as the log holds it: one command that contains others, with the versions of
//! watched keys as the condition for its execution.
//!
//! Invariants:
//! * no other command sees a part of it: it holds the keyspace's locks from its first command to
//!   its last;
//! * it is executed completely, or not at all if the version of a watched key has changed;
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
use crate::version;

/// The code of a transaction in the log; no command in the table has this code.
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
    /// A write in its canonical form.
    Write { code: u16, body: Bytes },
    /// A read in the form in which it was received, because its reply is not part of the state.
    /// `drawn` is a random number drawn before the proposal, so that the read makes the same random
    /// choices on every replica.
    Read { words: Vec<Bytes>, drawn: u64 },
}

impl Transaction {
    pub fn new(watched: Vec<(Key, Option<u64>)>, protocol: Protocol) -> Transaction {
        Transaction { watched, protocol, items: Vec::new() }
    }

    /// Adds a command that writes or reads. On an error the transaction is unchanged.
    ///
    /// # Panics
    /// If the row's command is neither a read nor a write.
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
            _ => panic!("{} is neither a read nor a write", row.spec.name),
        };
        self.items.push(item);
        Ok(())
    }

    /// Whether a command of the transaction writes, so that the transaction has to go through the
    /// log.
    pub fn writes(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Write { .. }))
    }

    /// Whether the transaction has no command and watches no key.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.watched.is_empty()
    }

    /// Executes a transaction that only reads, without an entry; the caller holds the keyspace
    /// exclusively, between two entries.
    ///
    /// # Panics
    /// If the transaction writes.
    pub fn read(self, alone: &Alone<'_>, now_ms: u64) -> Reply {
        assert!(!self.writes(), "a transaction that writes goes through the log");
        self.run(alone.access(), ApplyContext { index: 0, now_ms }, (Audience::Waiting, &Budgets::default()))
            .expect("the commands of this version decode")
    }

    /// Appends the transaction in the layout of the log.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        postcard::to_io(self, out).expect("encoding into memory succeeds");
    }

    fn decode(body: &[u8]) -> Result<Transaction, Malformed> {
        match postcard::take_from_bytes(body) {
            Ok((transaction, [])) => Ok(transaction),
            Ok(_) | Err(_) => Err(Malformed::new("a transaction does not decode")),
        }
    }

    /// The cluster version from which every write of the transaction is allowed.
    pub(super) fn since_version(&self) -> u32 {
        let writes = self.items.iter().filter_map(|item| match item {
            Item::Write { code, .. } => table::by_code(*code),
            Item::Read { .. } => None,
        });
        writes.map(|row| row.since_version).max().unwrap_or(version::FIRST)
    }

    /// Checks that this version can execute an encoded transaction, and returns the cluster version
    /// that its writes need.
    pub(super) fn check(body: &[u8]) -> Result<u32, Malformed> {
        let transaction = Transaction::decode(body)?;
        for item in &transaction.items {
            match item {
                Item::Write { code, body } => drop(check_write(*code, body)?),
                Item::Read { words, .. } if words.is_empty() => return Err(Malformed::UNKNOWN_COMMAND),
                Item::Read { .. } => {}
            }
        }
        Ok(transaction.since_version())
    }

    /// Executes an encoded transaction, as part of the entry that `context` describes.
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
                // A read does not change the state, and nobody waits for its reply.
                Item::Read { .. } if audience == Audience::None => Reply::Null,
                Item::Read { .. } if budget.is_spent() => Reply::Error(Budget::SPENT),
                Item::Read { words, drawn } => {
                    read(&words, &read_context(drawn), access.within(budgets.reads.next_command()))
                }
            };
            replies.push(match budget.spend_on_reply(&reply) {
                Ok(()) => reply,
                // The write was applied, but there is no room for its reply.
                Err(_) if writes => Reply::Unavailable(Unavailable::Uncertain),
                Err(spent) => Reply::Error(spent),
            });
        }
        Ok(Reply::Array(replies))
    }
}

fn write(code: u16, body: &[u8], access: Access<'_>, context: ApplyContext) -> Result<Reply, Malformed> {
    let Some(Route::Write { apply, .. }) = table::by_code(code).map(|row| row.route) else {
        return Err(Malformed::UNKNOWN_COMMAND);
    };
    apply(body, access, context).ok_or(Malformed::new("a command's arguments do not decode"))
}

/// Runs one read of a transaction. A read that this version does not know becomes an error reply
/// and not an error of the node, because skipping it leaves the state the same.
fn read(words: &[Bytes], context: &Context, access: Access<'_>) -> Reply {
    let row = words.first().and_then(|name| table::find(name));
    let Some(run) = row.and_then(|row| row.reads(&words[1..])) else {
        return Reply::Error(CommandError::fixed(
            "ERR this version does not know a command of the transaction",
        ));
    };
    run(&words[1..], context, access).into()
}
