//! Runs a batch of requests of one connection.
//!
//! Writes that follow each other are proposed together; anything else waits until they are answered, so that it
//! sees them and its reply comes after theirs. Reads share one barrier: all requests of the batch had arrived
//! before it was taken, so it is fresh enough for each of them.

use bytes::Bytes;

use super::connection::OUT_BYTES_TARGET;
use super::redirect::Redirect;
use super::shared::Shared;
use super::stats::add;
use crate::command::{Context, Route, Row, Session, table};
use crate::env::Random;
use crate::error::{Answer, Unavailable};
use crate::machine::Batch;
use crate::resp::{Reply, Request, encode};

/// How much of an unknown command's name and arguments an error repeats, as in Redis.
const ECHO_BYTES_MAX: usize = 128;

/// Runs requests until all are done or the replies have reached [`OUT_BYTES_TARGET`]; the rest stays in `requests`.
pub async fn run(
    requests: &mut std::vec::IntoIter<Request>,
    shared: &Shared,
    session: &mut Session,
    out: &mut Vec<u8>,
) {
    let context = Context {
        protocol: session.protocol,
        now_ms: shared.clock.now_ms(),
        document_bytes_max: shared.config.read().document_max_bytes,
        chance: Random::of_thread,
    };
    let (batch, slots, redirect) = (Batch::new(), Vec::new(), Redirect::new(shared));
    let mut runner = Runner { shared, session, out, context, batch, slots, barrier: None, redirect };
    let shown = runner.session.clone();
    while runner.out.len() < OUT_BYTES_TARGET && !runner.session.closing {
        let Some(request) = requests.next() else { break };
        runner.run(&request).await;
    }
    runner.flush().await;
    if *runner.session != shown {
        shared.registry.show(runner.session);
    }
}

/// The place of a reply behind writes that are still to be answered.
enum Slot {
    Ready(Reply),
    /// The next reply of the batch; the command's position in the table.
    Write(usize),
}

struct Runner<'a> {
    shared: &'a Shared,
    session: &'a mut Session,
    out: &'a mut Vec<u8>,
    context: Context,
    batch: Batch,
    slots: Vec<Slot>,
    /// The outcome of the barrier, once it was taken.
    barrier: Option<Result<(), Unavailable>>,
    redirect: Redirect,
}

impl Runner<'_> {
    async fn run(&mut self, request: &Request) {
        let Some(position) = table::position(request.name()) else {
            return self.answer(Reply::Error(unknown_command(request)));
        };
        let row = &table::ROWS[position];
        if !row.arity_fits(request.words().len()) {
            add(&self.shared.stats.commands[position].rejected, 1);
            return self.answer(Reply::Error(Answer::wrong_arity(&String::from_utf8_lossy(request.name()))));
        }
        if let Some(elsewhere) = self.redirect.answer(self.shared, self.session, row, request) {
            add(&self.shared.stats.commands[position].rejected, 1);
            return self.answer(elsewhere);
        }
        match row.route {
            Route::Write { .. } => self.write(position, row, request.args()),
            Route::Read { run } => {
                self.flush().await;
                let reply = match self.read_barrier().await {
                    Ok(()) => self.timed(position, |runner| {
                        let keyspace = &*runner.shared.keyspace;
                        let reply =
                            keyspace.read_whole(|| run(request.args(), &runner.context, keyspace).into());
                        reply.unwrap_or_else(|| Unavailable::Loading.into())
                    }),
                    Err(unavailable) => unavailable.into(),
                };
                self.answer(reply);
            }
            Route::Local { run } => {
                self.flush().await;
                let reply = self.timed(position, |runner| run(request.args(), runner.session).into());
                self.context.protocol = self.session.protocol;
                // It may have asked for fresher reads.
                self.barrier = None;
                self.answer(reply);
            }
            Route::Control { run } => {
                self.flush().await;
                let reply =
                    self.timed(position, |runner| run(request.args(), runner.session, runner.shared).into());
                self.barrier = None;
                self.answer(reply);
            }
            Route::Operate { run } => {
                self.flush().await;
                let shared = self.shared;
                let reply = match run(request.args(), shared) {
                    Ok(running) => running.await,
                    Err(answer) => Err(answer),
                };
                let reply = reply.into();
                self.count(position, &reply);
                self.answer(reply);
            }
        }
        self.session.last_command = row.spec.name;
    }

    /// Adds a write to the batch; one that is refused here keeps its place among the replies.
    fn write(&mut self, position: usize, row: &Row, words: &[Bytes]) {
        let started = self.shared.clock.elapsed();
        let slot = match self.batch.push(row, words, &self.context) {
            Ok(()) => Slot::Write(position),
            Err(answer) => {
                add(&self.shared.stats.commands[position].rejected, 1);
                Slot::Ready(Reply::Error(answer))
            }
        };
        self.slots.push(slot);
        let spent = self.shared.clock.elapsed().saturating_sub(started);
        add(&self.shared.stats.commands[position].nanos, spent.as_nanos() as u64);
    }

    /// Proposes what has been collected and answers it.
    async fn flush(&mut self) {
        if self.slots.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        let mut replies = match batch.is_empty() {
            true => Ok(Vec::new().into_iter()),
            false => self.shared.group.propose(batch).await.map(Vec::into_iter),
        };
        for slot in std::mem::take(&mut self.slots) {
            let reply = match slot {
                Slot::Ready(reply) => reply,
                Slot::Write(position) => {
                    let reply = match &mut replies {
                        Ok(replies) => replies.next().expect("a reply for each write of the batch"),
                        Err(unavailable) => Reply::Unavailable(unavailable.clone()),
                    };
                    self.count(position, &reply);
                    reply
                }
            };
            self.answer(reply);
        }
        assert!(self.batch.is_empty() && self.slots.is_empty(), "a flush leaves nothing behind");
    }

    async fn read_barrier(&mut self) -> Result<(), Unavailable> {
        if let Some(taken) = &self.barrier {
            return taken.clone();
        }
        let setting = || self.shared.config.read().read_consistency;
        let consistency = self.session.read_consistency.unwrap_or_else(setting);
        let outcome = self.shared.group.read_barrier(consistency).await;
        self.barrier = Some(outcome.clone());
        outcome
    }

    fn timed(&mut self, position: usize, run: impl FnOnce(&mut Self) -> Reply) -> Reply {
        let started = self.shared.clock.elapsed();
        let reply = run(self);
        let spent = self.shared.clock.elapsed().saturating_sub(started);
        add(&self.shared.stats.commands[position].nanos, spent.as_nanos() as u64);
        self.count(position, &reply);
        reply
    }

    fn count(&self, position: usize, reply: &Reply) {
        let stats = &self.shared.stats.commands[position];
        add(&stats.calls, 1);
        if reply.is_error() {
            add(&stats.failed, 1);
        }
    }

    /// Writes a reply, or queues it behind writes that come before it.
    fn answer(&mut self, reply: Reply) {
        if !self.slots.is_empty() {
            self.slots.push(Slot::Ready(reply));
            return;
        }
        add(&self.shared.stats.commands_processed, 1);
        if reply.is_error() {
            add(&self.shared.stats.error_replies, 1);
        }
        encode(&reply, self.session.protocol, self.out);
    }
}

/// The error of a command that is not in the table, word for word as Redis gives it: clients match on it.
fn unknown_command(request: &Request) -> Answer {
    let shown = |word: &Bytes| String::from_utf8_lossy(&word[..word.len().min(ECHO_BYTES_MAX)]).into_owned();
    let mut arguments = String::new();
    for word in request.args() {
        if arguments.len() >= ECHO_BYTES_MAX {
            break;
        }
        arguments.push_str(&format!("'{}' ", shown(word)));
    }
    let name = shown(request.name());
    Answer::new(format!("ERR unknown command '{name}', with args beginning with: {arguments}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_told_in_the_words_of_redis() {
        let words = ["NOSUCH", "k", "$.a"].map(|word| Bytes::from_static(word.as_bytes()));
        let answer = unknown_command(&Request::new(words));
        assert_eq!(answer.line(), "ERR unknown command 'NOSUCH', with args beginning with: 'k' '$.a' ");
    }
}
