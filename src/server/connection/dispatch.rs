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

use super::admission::Redirect;
use super::hung_up;
use super::read_write::ReplySlot;
use crate::command::transactions::TransactionQueue;
use crate::command::{
    Context, Effects, Group, Outcome, ReplyMode, Route, Row, SeedSource, Session, called, table,
};
use crate::env::random_u64;
use crate::error::Unavailable;
use crate::machine::Batch;
use crate::resp::{Reply, Request};
use crate::server::pubsub::clients::Client;
use crate::server::state::ServerState;
use crate::server::stats::counters::add;
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
    let (batch, slots, barrier, session_changed) = (Batch::new(), Vec::new(), None, false);
    let (first_write, wall_ms) = (None, state.clock.now_ms());
    let (buffered, suppressed, repeated) = (0, false, None);
    let (effects, closing) = (Effects::default(), false);
    let mut runner = Runner {
        buffered,
        suppressed,
        repeated,
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
        session_changed,
        effects,
        closing,
    };
    while runner.out.len() + runner.buffered < OUT_BYTES_TARGET
        && !runner.closing
        && !client.outbox.is_ending()
    {
        let Some(request) = requests.next() else { break };
        runner.run(&request).await;
    }
    runner.flush().await;
    if runner.session_changed {
        client.show(runner.session);
    }
    runner.closing
}

/// What a client that caches is told behind the reply of its transaction.
#[derive(Default)]
pub(super) struct RepeatedInvalidations {
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
    pub(super) out: &'a mut Vec<u8>,
    /// How many bytes of replies went to the writer and may wait there.
    pub(super) buffered: usize,
    /// Whether nothing of what is put now may be seen yet.
    pub(super) suppressed: bool,
    /// What is told behind the reply of the transaction that runs.
    pub(super) repeated: Option<RepeatedInvalidations>,
    pub(super) context: Context,
    /// The node's time of day, for what is told of the connection.
    pub(super) wall_ms: u64,
    pub(super) batch: Batch,
    pub(super) slots: Vec<ReplySlot>,
    /// The first write of the batch, and when it came, by the clock.
    pub(super) first_write: Option<(Request, Duration)>,
    /// The outcome of the barrier, once it was taken: the time by which the reads behind it judge
    /// deadlines.
    pub(super) barrier: Option<Result<u64, Unavailable>>,
    pub(super) redirect: Redirect,
    /// Whether the session may have changed, so that it has to be shown anew.
    pub(super) session_changed: bool,
    /// What the commands of the request that runs want done with the connection.
    effects: Effects,
    /// Whether the connection is to end: no further request is begun.
    pub(super) closing: bool,
}

impl Runner<'_> {
    async fn run(&mut self, request: &Request) {
        match self.session.replies {
            ReplyMode::On => self.run_with_replies(request).await,
            mode => self.run_without_replies(request, mode).await,
        }
    }

    async fn run_with_replies(&mut self, request: &Request) {
        self.effects = Effects::default();
        let Some(position) = self.admit(request).await else { return };
        let row = &table::ROWS[position];
        if self.queue.is_open() && !row.flags.at_once {
            self.session_changed = true;
            let reply = self.queue.push(position, request).into();
            self.client.gauges.set_queued(self.queue.bytes());
            self.session.queued = self.queue.len();
            return self.push_reply(reply);
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
                self.run_immediately(position, request).await
            }
            Route::Transact { step } => {
                let reply = self.step(step, request).await;
                self.session.queued = self.queue.len();
                self.client.gauges.set_queued(self.queue.bytes());
                self.session_changed = true;
                self.count(position, &reply);
                reply
            }
        };
        if !self.effects.no_reply {
            self.push_reply(reply);
        }
        self.repeat_invalidations();
    }

    /// Runs a command about the connection or the node.
    pub(super) async fn run_immediately(&mut self, position: usize, request: &Request) -> Reply {
        let run = match table::ROWS[position].route {
            Route::Operate { run } => run,
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
        self.reset_after_wait();
        let place = called::place(position, request.words());
        if !row.blocks() {
            let spent = state.clock.elapsed().saturating_sub(started);
            state.stats.record_command(place, request.words(), self.caller(), spent);
        }
        self.count(place, &reply);
        reply
    }

    /// Time has passed within the batch: what comes next asks anew what it is.
    pub(super) fn reset_after_wait(&mut self) {
        self.wall_ms = self.state.clock.now_ms();
        self.barrier = None;
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
        self.session_changed = true;
        if effects.reset_transaction {
            self.queue.reset();
            self.client.gauges.set_queued(0);
            self.session.queued = None;
            self.session.watched = 0;
        }
    }

    /// Runs a request of a client that wants no replies now. A command that changes that says
    /// itself what is seen of it.
    async fn run_without_replies(&mut self, request: &Request, mode: ReplyMode) {
        self.flush().await;
        let begin = self.out.len();
        self.session.replies = ReplyMode::On;
        self.suppressed = true;
        self.run_with_replies(request).await;
        self.flush().await;
        self.suppressed = false;
        let chosen = self.effects.chose_replies;
        // What a client listens to is told like a message, not like a reply; an error is a reply.
        let row = table::find(request.name());
        let listens = row.is_some_and(|row| row.spec.group == Group::PubSub && row.flags.while_subscribed);
        let told = listens && self.out.get(begin).is_some_and(|first| *first != b'-');
        if !chosen && !told {
            self.out.truncate(begin);
        }
        self.hand_to_writer();
        if mode == ReplyMode::Off && (!chosen || self.session.replies == ReplyMode::SkipNext) {
            self.session.replies = ReplyMode::Off;
        }
    }

    pub(super) fn caller(&self) -> Caller<'_> {
        Caller { address: &self.session.address, name: &self.session.name }
    }

    pub(super) fn timed(
        &mut self,
        position: usize,
        request: &Request,
        run: impl FnOnce(&mut Self) -> Reply,
    ) -> Reply {
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
}
