//! The steps of transactions: MULTI, WATCH, EXEC and the rest.
//!
//! EXEC proposes all queued reads and writes as one entry of the log; if no command writes, it runs
//! them on the keyspace under one lock, without an entry. Queued commands that concern the
//! connection or the node run afterwards; their replies are inserted in the order of the queue.

use bytes::Bytes;

use super::dispatch::{RepeatedInvalidations, Runner};
use crate::command::transactions::{QueuedTransaction, Step};
use crate::command::{Route, Row, called, table};
use crate::error::{CommandError, Unavailable};
use crate::keyspace::{Key, Scope};
use crate::machine::{Batch, Transaction};
use crate::resp::{Reply, Request};

/// Where the reply to a queued command comes from.
enum ReplySource {
    /// The next reply of the transaction. Holds the command's position in the statistics.
    Transaction(usize),
    /// The command was refused before the transaction ran.
    Refused(CommandError),
    /// The command runs outside the transaction. Holds its position in the table, and the request.
    Here(usize, Request),
}

impl Runner<'_> {
    /// Runs one step of a transaction. All earlier requests have been answered.
    pub(super) async fn step(&mut self, step: Step, request: &Request) -> Reply {
        let reply = match step {
            Step::Multi => self.queue.begin().into(),
            Step::Discard => self.queue.discard().into(),
            Step::Unwatch => self.queue.unwatch(),
            Step::Watch => self.watch(request).await,
            Step::Exec => match self.queue.take().and_then(|queued| self.still_allowed(queued)) {
                Ok(queued) => self.exec(queued).await,
                Err(error) => error.into(),
            },
        };
        self.session.watched = self.queue.watched();
        reply
    }

    async fn watch(&mut self, request: &Request) -> Reply {
        if let Err(error) = self.queue.may_watch(request.args()) {
            return error.into();
        }
        if let Err(unavailable) = self.read_barrier().await {
            return unavailable.into();
        }
        let keyspace = &self.state.keyspace;
        for key in request.args() {
            let version = |keyspace: &crate::keyspace::Keyspace| {
                // Read between two entries, because all changes of an entry have the same version.
                keyspace.view(Scope::BetweenEntries, self.context.now_ms).version(key)
            };
            let Some(version) = keyspace.read_whole(|| version(keyspace)) else {
                return Unavailable::Loading.into();
            };
            self.queue.watch(Key::from(&key[..]), version);
        }
        Reply::OK
    }

    /// Checks the rights for the queued commands again: they may have changed since MULTI.
    fn still_allowed(&mut self, queued: QueuedTransaction) -> Result<QueuedTransaction, CommandError> {
        for (position, request) in &queued.commands {
            self.check_rights(*position, request).map_err(|error| {
                let reason = error.line().trim_start_matches("NOPERM ").to_owned();
                CommandError::new(format!(
                    "EXECABORT Transaction discarded because the user's rights changed after MULTI: {reason}"
                ))
            })?;
        }
        Ok(queued)
    }

    async fn exec(&mut self, queued: QueuedTransaction) -> Reply {
        let mut transaction = Transaction::new(queued.watched, self.context.protocol);
        if self.session.tracking.is_some() {
            self.client.writer.record_pushes();
            self.repeated = Some(RepeatedInvalidations::default());
        }
        let mut places = Vec::with_capacity(queued.commands.len());
        for (position, request) in queued.commands {
            let row = &table::ROWS[position];
            places.push(match row.takes_part(request.args()) {
                true => {
                    let keys = row.spec.keys.positions(request.words().len());
                    let reads = matches!(row.route, Route::Read { .. });
                    if let Some(invalidations) = self.repeated.as_mut().filter(|_| reads) {
                        let keys: Vec<Bytes> = keys.map(|at| request.words()[at].clone()).collect();
                        self.state.pubsub.remember_reads(self.session, keys.iter());
                        invalidations.keys.extend(keys);
                    }
                    match transaction.push(row, request.words(), &self.context) {
                        Ok(()) => ReplySource::Transaction(called::place(position, request.words())),
                        Err(error) => ReplySource::Refused(error),
                    }
                }
                false => ReplySource::Here(position, request),
            });
        }
        match self.run_transaction(transaction).await {
            Reply::Array(replies) => Reply::Array(self.put_in_place(places, replies).await),
            // A null array (a watched key changed), or an error (the transaction is unavailable).
            other => other,
        }
    }

    async fn run_transaction(&mut self, transaction: Transaction) -> Reply {
        if transaction.is_empty() {
            return Reply::Array(Vec::new());
        }
        if !transaction.writes() {
            match self.read_barrier().await {
                Ok(()) => {}
                Err(Unavailable::DiskFull(_)) => {
                    if let Some(invalidations) = &mut self.repeated {
                        invalidations.all = true;
                    }
                    return self.propose_transaction(transaction).await;
                }
                Err(unavailable) => return unavailable.into(),
            }
            let keyspace = &self.state.keyspace;
            let alone = keyspace.alone_between_entries();
            let reply = keyspace.read_whole(|| transaction.read(&alone, self.context.now_ms));
            if self.repeated.is_some() {
                // The invalidations recorded before this point concern changes that the reads have
                // seen.
                self.client.writer.record_pushes();
            }
            return reply.unwrap_or_else(|| Unavailable::Loading.into());
        }
        self.propose_transaction(transaction).await
    }

    /// Runs a read through the leader, as an entry of the log. This serves a node whose full disk
    /// cannot take the entries that the read has to see.
    pub(super) async fn read_by_leader(&mut self, position: usize, row: &Row, request: &Request) -> Reply {
        let mut transaction = Transaction::new(Vec::new(), self.context.protocol);
        if let Err(error) = transaction.push(row, request.words(), &self.context) {
            return error.into();
        }
        let reply = match self.propose_transaction(transaction).await {
            Reply::Array(replies) => replies.into_iter().next().expect("a reply for the one command"),
            other => other,
        };
        // This node does not track the keys of this read, so the client must drop the values that
        // it receives.
        self.repeated = Some(RepeatedInvalidations { all: true, ..RepeatedInvalidations::default() });
        self.count(called::place(position, request.words()), &reply);
        reply
    }

    async fn propose_transaction(&mut self, transaction: Transaction) -> Reply {
        let mut batch = Batch::new();
        if let Err(error) = batch.push_transaction(&transaction) {
            return error.into();
        }
        match self.propose(batch).await {
            Ok(done) => {
                if let Some(invalidations) = &mut self.repeated {
                    invalidations.index = done.index;
                }
                done.replies.into_iter().next().expect("a reply for the one command of the batch")
            }
            Err(unavailable) => unavailable.into(),
        }
    }

    /// Repeats, after the reply to a transaction, the invalidations that were pushed while it ran
    /// and belong to later entries.
    pub(super) fn repeat_invalidations(&mut self) {
        let Some(invalidations) = self.repeated.take() else { return };
        self.client.writer.repeat_pushes(invalidations.index);
        if invalidations.all {
            self.state.pubsub.invalidate_all_for(self.session.id);
        }
        self.state.pubsub.invalidate_forgotten(self.session, invalidations.keys.iter());
    }

    async fn put_in_place(&mut self, places: Vec<ReplySource>, replies: Vec<Reply>) -> Vec<Reply> {
        let mut replies = replies.into_iter();
        let mut all = Vec::with_capacity(places.len());
        for place in places {
            all.push(match place {
                ReplySource::Transaction(place) => {
                    let reply = replies.next().expect("a reply for each command of the transaction");
                    self.count(place, &reply);
                    reply
                }
                ReplySource::Refused(error) => error.into(),
                ReplySource::Here(position, request) => {
                    match self.run_immediately(position, &request).await {
                        // CLIENT REPLY OFF and SKIP return an empty `Reply::Several`, but the array
                        // needs one element for each command.
                        Reply::Several(_) => Reply::OK,
                        reply => reply,
                    }
                }
            });
        }
        assert!(replies.next().is_none(), "every reply was used");
        all.iter().for_each(|reply| self.state.stats.counters.count_error(reply));
        all
    }
}
