//! The steps of transactions: what a connection queues, and what becomes of it.
//!
//! EXEC is one entry of the log with all that reads and writes in it, or, if nothing in it writes, one look at the
//! keyspace. Commands about the connection and the node are done here afterwards, each in its place among the replies.

use super::dispatch::Runner;
use crate::command::transactions::{Queued, Step};
use crate::command::{Route, called, table};
use crate::error::{Answer, Unavailable};
use crate::keyspace::{Key, Scope};
use crate::machine::{Batch, Transaction};
use crate::resp::{Reply, Request};

/// Where the reply to a queued command comes from.
enum Place {
    /// The next one of the transaction; where the command is counted.
    Transaction(usize),
    /// It was refused before anything was done.
    Refused(Answer),
    /// It runs here: the command's position in the table, and its place in the queue.
    Here(usize, Request),
}

impl Runner<'_> {
    /// Takes a step. Everything that came before has been answered.
    pub(super) async fn step(&mut self, step: Step, request: &Request) -> Reply {
        let reply = match step {
            Step::Multi => self.queue.begin().into(),
            Step::Discard => self.queue.discard().into(),
            Step::Unwatch => self.queue.unwatch(),
            Step::Watch => self.watch(request).await,
            Step::Exec => match self.queue.take() {
                Ok(queued) => self.exec(queued).await,
                Err(answer) => answer.into(),
            },
        };
        self.session.watched = self.queue.watched();
        reply
    }

    async fn watch(&mut self, request: &Request) -> Reply {
        if let Err(answer) = self.queue.may_watch(request.args()) {
            return answer.into();
        }
        if let Err(unavailable) = self.read_barrier().await {
            return unavailable.into();
        }
        let keyspace = &self.shared.keyspace;
        for key in request.args() {
            let version = |keyspace: &crate::keyspace::Keyspace| {
                // Of whole entries: all changes of an entry have one version.
                keyspace.view(Scope::Settled, self.context.now_ms).version(key)
            };
            let Some(version) = keyspace.read_whole(|| version(keyspace)) else {
                return Unavailable::Loading.into();
            };
            self.queue.watch(Key::from(&key[..]), version);
        }
        Reply::OK
    }

    async fn exec(&mut self, queued: Queued) -> Reply {
        let mut transaction = Transaction::new(queued.watched, self.context.protocol);
        let mut places = Vec::with_capacity(queued.commands.len());
        for (position, request) in queued.commands {
            let row = &table::ROWS[position];
            places.push(match row.route {
                Route::Read { .. } | Route::Write { .. } => {
                    let keys = row.spec.keys.positions(request.words().len());
                    if matches!(row.route, Route::Read { .. }) {
                        self.shared.hub.remember_reads(self.session, keys.map(|at| &request.words()[at]));
                    }
                    match transaction.push(row, request.words(), &self.context) {
                        Ok(()) => Place::Transaction(called::place(position, request.words())),
                        Err(answer) => Place::Refused(answer),
                    }
                }
                _ => Place::Here(position, request),
            });
        }
        match self.run_transaction(transaction).await {
            Reply::Array(replies) => Reply::Array(self.put_in_place(places, replies).await),
            // A watched key changed, or it could not be done.
            other => other,
        }
    }

    async fn run_transaction(&mut self, transaction: Transaction) -> Reply {
        if transaction.is_empty() {
            return Reply::Array(Vec::new());
        }
        if !transaction.writes() {
            if let Err(unavailable) = self.read_barrier().await {
                return unavailable.into();
            }
            let keyspace = &self.shared.keyspace;
            let reply = keyspace.read_whole(|| transaction.read(keyspace, self.context.now_ms));
            return reply.unwrap_or_else(|| Unavailable::Loading.into());
        }
        let mut batch = Batch::new();
        if let Err(answer) = batch.push_transaction(&transaction) {
            return answer.into();
        }
        match self.propose(batch).await {
            Ok(replies) => replies.into_iter().next().expect("a reply for the one command of the batch"),
            Err(unavailable) => unavailable.into(),
        }
    }

    async fn put_in_place(&mut self, places: Vec<Place>, replies: Vec<Reply>) -> Vec<Reply> {
        let mut replies = replies.into_iter();
        let mut all = Vec::with_capacity(places.len());
        for place in places {
            all.push(match place {
                Place::Transaction(place) => {
                    let reply = replies.next().expect("a reply for each command of the transaction");
                    self.count(place, &reply);
                    reply
                }
                Place::Refused(answer) => answer.into(),
                Place::Here(position, request) => match self.run_now(position, &request).await {
                    // In a list each reply is one.
                    Reply::Several(_) => Reply::OK,
                    reply => reply,
                },
            });
        }
        assert!(replies.next().is_none(), "each reply has its place");
        all.iter().for_each(|reply| self.shared.stats.count_error(reply));
        all
    }
}
