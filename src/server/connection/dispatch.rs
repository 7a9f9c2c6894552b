//! Runs a batch of requests of one connection.
//!
//! Writes that follow each other are proposed together; anything else waits until they are
//! answered, so that it sees them and its reply comes after theirs. Reads share one barrier: all
//! requests of the batch had arrived before it was taken, so it is fresh enough for each of them.
//!
//! While some client of the node caches what it reads, a read is done between two entries of the
//! log, and its reply is put between what the client was told of the one and of the other.

use std::time::Duration;

use bytes::Bytes;
use tokio::net::tcp::OwnedReadHalf;

use super::redirect::Redirect;
use super::signals::hung_up;
use crate::command::transactions::TransactionQueue;
use crate::command::{
    Context, Effects, Group, Outcome, ReplyMode, Route, Row, SeedSource, Session, called, table,
};
use crate::env::random_u64;
use crate::error::Unavailable;
use crate::keyspace::BetweenEntries;
use crate::machine::Batch;
use crate::peer::Done;
use crate::resp::{Reply, Request, encode};
use crate::server::pubsub::clients::Client;
use crate::server::state::ServerState;
use crate::server::stats::counters::add;
use crate::server::stats::latency::Event;
use crate::server::stats::slowlog::Caller;

/// A batch ends when its replies have come to this many bytes, so that a pipeline of large reads is
/// written as it goes and never held whole.
pub const OUT_BYTES_TARGET: usize = 1 << 20;

/// Where requests run: the node, the connection, and where its replies go.
pub struct RequestContext<'a> {
    pub state: &'a ServerState,
    pub client: &'a Client,
    pub socket: &'a OwnedReadHalf,
    pub session: &'a mut Session,
    pub queue: &'a mut TransactionQueue,
    pub out: &'a mut Vec<u8>,
}

/// Runs requests until all are done or the replies have reached [`OUT_BYTES_TARGET`]; the rest
/// stays in `requests`. Whether the connection is to end.
pub async fn run(requests: &mut std::vec::IntoIter<Request>, place: RequestContext<'_>) -> bool {
    let RequestContext { state, client, socket, session, queue, out } = place;
    let context = Context {
        protocol: session.protocol,
        now_ms: state.group.now_ms(),
        document_bytes_max: state.config.read().document_max_bytes,
        seed: SeedSource::Fresh(random_u64),
    };
    let redirect = Redirect::new(state);
    let (batch, slots, barrier, shows) = (Batch::new(), Vec::new(), None, false);
    let (first_write, wall_ms) = (None, state.clock.now_ms());
    let (kept, silent, told_again) = (0, false, None);
    let (effects, closing) = (Effects::default(), false);
    let mut runner = Runner {
        kept,
        silent,
        told_again,
        state,
        client,
        socket,
        session,
        queue,
        out,
        context,
        wall_ms,
        batch,
        slots,
        first_write,
        barrier,
        redirect,
        shows,
        effects,
        closing,
    };
    while runner.out.len() + runner.kept < OUT_BYTES_TARGET && !runner.closing && !client.outbox.is_ending() {
        let Some(request) = requests.next() else { break };
        runner.run(&request).await;
    }
    runner.flush().await;
    if runner.shows {
        client.show(runner.session);
    }
    runner.closing
}

/// The place of a reply behind writes that are still to be answered.
enum ReplySlot {
    Ready(Reply),
    /// The next reply of the batch; where the command is counted, and when it came, by the clock.
    Write(usize, Duration),
}

/// What a client that caches is told behind the reply of its transaction.
#[derive(Default)]
pub(super) struct ToldAgain {
    /// The entry that the transaction was.
    pub(super) index: u64,
    /// What it read.
    pub(super) keys: Vec<Bytes>,
    /// Whatever it read: it may not keep it.
    pub(super) all: bool,
}

/// Runs the requests of one batch.
pub(super) struct Runner<'a> {
    pub(super) state: &'a ServerState,
    pub(super) client: &'a Client,
    pub(super) socket: &'a OwnedReadHalf,
    pub(super) session: &'a mut Session,
    pub(super) queue: &'a mut TransactionQueue,
    out: &'a mut Vec<u8>,
    /// How many bytes of replies went to the writer and may wait there.
    kept: usize,
    /// Whether nothing of what is put now may be seen yet.
    silent: bool,
    /// What is told behind the reply of the transaction that runs.
    pub(super) told_again: Option<ToldAgain>,
    pub(super) context: Context,
    /// The node's time of day, for what is told of the connection.
    pub(super) wall_ms: u64,
    batch: Batch,
    slots: Vec<ReplySlot>,
    /// The first write of the batch, and when it came, by the clock.
    first_write: Option<(Request, Duration)>,
    /// The outcome of the barrier, once it was taken: the time by which the reads behind it judge
    /// deadlines.
    barrier: Option<Result<u64, Unavailable>>,
    pub(super) redirect: Redirect,
    /// Whether the session may have changed, so that it has to be shown anew.
    pub(super) shows: bool,
    /// What the commands of the request that runs want done with the connection.
    effects: Effects,
    /// Whether the connection is to end: no further request is begun.
    pub(super) closing: bool,
}

impl Runner<'_> {
    async fn run(&mut self, request: &Request) {
        match self.session.replies {
            ReplyMode::On => self.run_aloud(request).await,
            mode => self.run_silently(request, mode).await,
        }
    }

    async fn run_aloud(&mut self, request: &Request) {
        self.effects = Effects::default();
        let Some(position) = self.admit(request).await else { return };
        let row = &table::ROWS[position];
        if self.queue.is_open() && !row.flags.at_once {
            self.shows = true;
            let reply = self.queue.push(position, request).into();
            self.client.gauges.set_queued(self.queue.bytes());
            self.session.queued = self.queue.len();
            return self.answer(reply);
        }
        self.route(position, row, request).await;
        // It is for one command, or for one transaction.
        if !self.effects.keep_caching && !self.queue.is_open() {
            self.session.caching = None;
        }
    }

    async fn route(&mut self, position: usize, row: &Row, request: &Request) {
        if let Route::Write { .. } = row.route {
            return self.write(position, row, request);
        }
        self.flush().await;
        let reply = match row.route {
            Route::Write { .. } => unreachable!("writes are collected"),
            Route::Read { .. } => match self.read_barrier().await {
                Ok(()) => return self.read(position, row, request),
                Err(Unavailable::DiskFull(_)) => self.read_by_leader(position, row, request).await,
                Err(unavailable) => unavailable.into(),
            },
            Route::Local { .. } | Route::Control { .. } | Route::Operate { .. } => {
                self.run_now(position, request).await
            }
            Route::Transact { step } => {
                let reply = self.step(step, request).await;
                self.session.queued = self.queue.len();
                self.client.gauges.set_queued(self.queue.bytes());
                self.shows = true;
                self.count(position, &reply);
                reply
            }
        };
        if !self.effects.no_reply {
            self.answer(reply);
        }
        self.tell_again();
    }

    /// Runs a command about the connection or the node.
    pub(super) async fn run_now(&mut self, position: usize, request: &Request) -> Reply {
        let run = match table::ROWS[position].route {
            Route::Operate { run, .. } => run,
            // The one step that may be queued.
            Route::Transact { .. } => return self.queue.unwatch(),
            _ => return self.run_here(position, request),
        };
        let (state, row) = (self.state, &table::ROWS[position]);
        let started = state.clock.elapsed();
        let reply: Reply = match run(request.args(), self.session, state) {
            Ok(running) => tokio::select! {
                biased;
                reply = running => reply.into(),
                () = self.client.outbox.ending() => {
                    self.closing = true;
                    Unavailable::Uncertain.into()
                }
                // Nobody is there to be told anything.
                () = hung_up(self.socket), if row.flags.blocking => {
                    self.closing = true;
                    self.effects.no_reply = true;
                    Reply::Null
                }
            },
            Err(answer) => answer.into(),
        };
        self.has_waited();
        let place = called::place(position, request.words());
        if !row.blocks() {
            let spent = state.clock.elapsed().saturating_sub(started);
            state.stats.record_command(place, request.words(), self.caller(), spent);
        }
        self.count(place, &reply);
        reply
    }

    /// Time has passed within the batch: what comes next asks anew what it is.
    pub(super) fn has_waited(&mut self) {
        self.wall_ms = self.state.clock.now_ms();
        self.barrier = None;
    }

    /// Runs a command that reads, and answers it. This node's state is as fresh as it has to be
    /// already.
    fn read(&mut self, position: usize, row: &Row, request: &Request) {
        let Route::Read { run } = row.route else { unreachable!("{} reads", row.spec.name) };
        let (pubsub, keyspace) = (&*self.state.pubsub, &*self.state.keyspace);
        let keys = || row.spec.keys.positions(request.words().len()).map(|at| &request.words()[at]);
        // Held until the reply has its place: a client that caches what it has read must be told of
        // the next change behind it, and nobody may be answered what a client that caches was not
        // told.
        let between_entries =
            (pubsub.tracks() && keys().next().is_some()).then(|| keyspace.between_entries());
        let access = between_entries.as_ref().map_or_else(|| keyspace.each(), BetweenEntries::access);
        let reply = self.timed(position, request, |runner| {
            pubsub.remember_reads(runner.session, keys());
            let reply = keyspace.read_whole(|| run(request.args(), &runner.context, access).into());
            reply.unwrap_or_else(|| Unavailable::Loading.into())
        });
        self.answer(reply);
        pubsub.invalidate_forgotten(self.session, keys());
    }

    /// Runs a command that needs nothing but this node.
    pub(super) fn run_here(&mut self, position: usize, request: &Request) -> Reply {
        let row = &table::ROWS[position];
        self.timed(position, request, |runner| match row.route {
            Route::Local { run } => {
                let reply = run(request.args(), runner.session).into();
                runner.changed_session(Effects::default());
                reply
            }
            Route::Control { run } => {
                let outcome = run(request.args(), runner.session, runner.state);
                let Outcome { reply, effects } = outcome.unwrap_or_else(|answer| Reply::from(answer).into());
                runner.changed_session(effects);
                reply
            }
            Route::Read { .. } | Route::Write { .. } | Route::Operate { .. } | Route::Transact { .. } => {
                unreachable!("{} needs more than this node", row.spec.name)
            }
        })
    }

    /// A command may have changed how the connection speaks, or asked for fresher reads; and has
    /// these effects.
    fn changed_session(&mut self, effects: Effects) {
        self.effects.add(effects);
        self.closing |= effects.close;
        if self.context.protocol != self.session.protocol {
            self.context.protocol = self.session.protocol;
            // What it is told from now on has to be in words that it understands.
            self.client.show(self.session);
        }
        self.barrier = None;
        self.shows = true;
        if effects.reset_transaction {
            self.queue.reset();
            self.client.gauges.set_queued(0);
            self.session.queued = None;
            self.session.watched = 0;
        }
    }

    /// Runs a request of a client that wants no replies now. A command that changes that says
    /// itself what is seen of it.
    async fn run_silently(&mut self, request: &Request, mode: ReplyMode) {
        self.flush().await;
        let begin = self.out.len();
        self.session.replies = ReplyMode::On;
        self.silent = true;
        self.run_aloud(request).await;
        self.flush().await;
        self.silent = false;
        let chosen = self.effects.chose_replies;
        // What a client listens to is told like a message, not like a reply; an error is a reply.
        let row = table::find(request.name());
        let listens = row.is_some_and(|row| row.spec.group == Group::PubSub && row.flags.while_subscribed);
        let told = listens && self.out.get(begin).is_some_and(|first| *first != b'-');
        if !chosen && !told {
            self.out.truncate(begin);
        }
        self.place();
        if mode == ReplyMode::Off && (!chosen || self.session.replies == ReplyMode::SkipNext) {
            self.session.replies = ReplyMode::Off;
        }
    }

    /// Adds a write to the batch; one that is refused here keeps its place among the replies.
    fn write(&mut self, position: usize, row: &Row, request: &Request) {
        let started = self.state.clock.elapsed();
        let place = called::place(position, request.words());
        let slot = match self.batch.push(row, request.args(), &self.context) {
            Ok(()) => {
                self.first_write.get_or_insert_with(|| (request.clone(), started));
                ReplySlot::Write(place, started)
            }
            Err(answer) => {
                add(&self.state.stats.counters.commands[place].rejected, 1);
                ReplySlot::Ready(Reply::Error(answer))
            }
        };
        self.slots.push(slot);
    }

    /// Proposes what has been collected and answers it.
    pub(super) async fn flush(&mut self) {
        if self.slots.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        let mut replies = match batch.is_empty() {
            true => Ok(Vec::new().into_iter()),
            false => self.propose(batch).await.map(|done| done.replies.into_iter()),
        };
        let now = self.state.clock.elapsed();
        if let Some((first, started)) = self.first_write.take() {
            self.state.stats.record_writes(first.words(), self.caller(), now.saturating_sub(started));
        }
        for slot in std::mem::take(&mut self.slots) {
            let reply = match slot {
                ReplySlot::Ready(reply) => reply,
                ReplySlot::Write(place, started) => {
                    let reply = match &mut replies {
                        Ok(replies) => replies.next().expect("a reply for each write of the batch"),
                        Err(unavailable) => Reply::Unavailable(unavailable.clone()),
                    };
                    self.state.stats.counters.took(place, now.saturating_sub(started));
                    self.count(place, &reply);
                    reply
                }
            };
            self.answer(reply);
        }
        self.wall_ms = self.state.clock.now_ms();
        assert!(self.batch.is_empty() && self.slots.is_empty(), "a flush leaves nothing behind");
    }

    /// Proposes writes of this connection. When another node leads they come here a moment after
    /// their replies: a barrier that was taken before them would not wait for them, and the
    /// connection would not read what it wrote.
    pub(super) async fn propose(&mut self, batch: Batch) -> Result<Done, Unavailable> {
        self.barrier = None;
        let done = self.state.group.propose(batch).await?;
        // Clients of this node that cache are told when it applies the entry: before anybody hears
        // that it was done.
        if self.state.pubsub.tracks() && !self.state.group.has_applied(done.index).await {
            self.state.pubsub.forget_all();
        }
        Ok(done)
    }

    pub(super) async fn read_barrier(&mut self) -> Result<(), Unavailable> {
        if let Some(taken) = &self.barrier {
            return taken.clone().map(|_| ());
        }
        let setting = || self.state.config.read().read_consistency;
        let consistency = self.session.read_consistency.unwrap_or_else(setting);
        let started = self.state.clock.elapsed();
        let outcome = self.state.group.read_barrier(consistency).await;
        self.state.stats.record(Event::ReadBarrier, self.state.clock.elapsed().saturating_sub(started));
        if let Ok(now_ms) = outcome {
            self.context.now_ms = now_ms;
        }
        self.barrier = Some(outcome.clone());
        outcome.map(|_| ())
    }

    fn caller(&self) -> Caller<'_> {
        Caller { address: &self.session.address, name: &self.session.name }
    }

    fn timed(&mut self, position: usize, request: &Request, run: impl FnOnce(&mut Self) -> Reply) -> Reply {
        let started = self.state.clock.elapsed();
        let reply = run(self);
        let spent = self.state.clock.elapsed().saturating_sub(started);
        let place = called::place(position, request.words());
        self.state.stats.record_command(place, request.words(), self.caller(), spent);
        self.count(place, &reply);
        reply
    }

    /// Counts a call at its place, and how it ended.
    pub(super) fn count(&self, place: usize, reply: &Reply) {
        let stats = &self.state.stats.counters.commands[place];
        add(&stats.calls, 1);
        if reply.is_error() {
            add(&stats.failed, 1);
        }
    }

    /// Writes a reply, or queues it behind writes that come before it.
    pub(super) fn answer(&mut self, reply: Reply) {
        if !self.slots.is_empty() {
            self.slots.push(ReplySlot::Ready(reply));
            return;
        }
        add(&self.state.stats.counters.commands_processed, 1);
        self.state.stats.counters.count_error(&reply);
        encode(&reply, self.session.protocol, self.out);
        self.place();
    }

    /// Gives what was put its place among what the client is told of changes.
    fn place(&mut self) {
        if self.client.interleaves_pushes() && !self.silent {
            self.kept = self.client.writer.keep(self.out);
        }
    }
}
