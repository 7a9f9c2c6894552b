//! Runs a batch of requests of one connection: admission, then the route of each command.
//!
//! Consecutive writes are proposed together. Any other command first flushes them, so that it sees
//! their effects and its reply follows theirs. Consecutive reads of a batch share one read barrier:
//! they had all arrived before the barrier was taken, so it is recent enough for each of them.
//!
//! Invariants:
//! * one reply per request, in the order of the requests, unless CLIENT REPLY suppresses it;
//! * when a batch ends, no write waits and no reply slot is open.

use std::time::Duration;

use bytes::Bytes;
use tokio::net::tcp::OwnedReadHalf;

use super::permit::Permit;
use super::redirect::Redirect;
use super::signals::hung_up;
use crate::command::transactions::TransactionQueue;
use crate::command::{
    Context, Effects, Group, Outcome, ReplyMode, Route, Row, SeedSource, Session, called, table,
};
use crate::env::random_u64;
use crate::error::Unavailable;
use crate::keyspace::Keyspace;
use crate::machine::Batch;
use crate::resp::{Reply, Request};
use crate::server::admin::rights;
use crate::server::pubsub::clients::Client;
use crate::server::state::ServerState;
use crate::server::stats::counters::add;
use crate::server::stats::slowlog::Caller;

/// A batch ends when its replies reach this many bytes, so that the replies to a pipeline of large
/// reads are written in parts and not all held in memory.
pub const OUT_BYTES_TARGET: usize = 1 << 20;

/// The environment of a request: the node, the connection, and the buffer for its replies.
pub struct RequestContext<'a> {
    pub state: &'a ServerState,
    pub client: &'a Client,
    pub socket: &'a OwnedReadHalf,
    pub session: &'a mut Session,
    pub queue: &'a mut TransactionQueue,
    pub permit: &'a mut Permit,
    pub out: &'a mut Vec<u8>,
}

/// Runs requests until none is left, the replies reach [`OUT_BYTES_TARGET`], or the connection is
/// to be closed; the rest stays in `requests`. Returns whether the connection is to be closed.
pub async fn run(requests: &mut std::vec::IntoIter<Request>, target: RequestContext<'_>) -> bool {
    let RequestContext { state, client, socket, session, queue, permit, out } = target;
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
        permit,
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
    let mut untouched = 0;
    while runner.out.len() + runner.buffered < OUT_BYTES_TARGET
        && !runner.closing
        && !client.outbox.is_ending()
    {
        if untouched == 0 {
            untouched = Keyspace::TOUCHED_AT_ONCE;
            touch_keys(state, requests.as_slice());
        }
        untouched -= 1;
        let Some(request) = requests.next() else { break };
        runner.run(&request).await;
    }
    runner.flush().await;
    if runner.session_changed {
        client.show(runner.session);
    }
    runner.closing
}

/// Brings the keys of the next reads into the processor's cache. The second word of most reads is a
/// key.
fn touch_keys(state: &ServerState, requests: &[Request]) {
    if requests.len() < 2 {
        return;
    }
    let mut last: (&[u8], bool) = (b"", false);
    let keys = requests.iter().take(Keyspace::TOUCHED_AT_ONCE).filter_map(|request| {
        if request.name()[..] != *last.0 {
            let is_read = |row: &Row| matches!(row.route, Route::Read { .. });
            last = (request.name(), table::find(request.name()).is_some_and(is_read));
        }
        request.args().first().filter(|_| last.1).map(|key| &key[..])
    });
    state.keyspace.touch(keys);
}

/// Invalidations that are repeated after the reply to a transaction.
///
/// A caching client may receive an invalidation while its transaction runs, and after that a reply
/// with the older value. The repetition after the reply makes the client drop that value.
#[derive(Default)]
pub(super) struct RepeatedInvalidations {
    /// The index of the transaction's entry; 0 if it has none.
    pub(super) index: u64,
    /// The keys that the transaction read.
    pub(super) keys: Vec<Bytes>,
    /// Whether the client has to drop all keys.
    pub(super) all: bool,
}

/// A reply that waits behind the collected writes.
pub(super) enum ReplySlot {
    Ready(Reply),
    /// The next reply of the write batch. Holds the command's position in the statistics, and the
    /// arrival of the request in monotonic time.
    Write(usize, Duration),
}

/// Runs the requests of one batch.
pub(super) struct Runner<'a> {
    pub(super) state: &'a ServerState,
    pub(super) client: &'a Client,
    pub(super) socket: &'a OwnedReadHalf,
    pub(super) session: &'a mut Session,
    pub(super) queue: &'a mut TransactionQueue,
    pub(super) permit: &'a mut Permit,
    pub(super) out: &'a mut Vec<u8>,
    /// Bytes in the socket writer: replies that were handed over, and pushes.
    pub(super) buffered: usize,
    /// Whether replies stay in `out` for now, because CLIENT REPLY may discard them.
    pub(super) suppressed: bool,
    /// Set while a transaction of a caching client runs, and after a read that the leader executed.
    pub(super) repeated: Option<RepeatedInvalidations>,
    pub(super) context: Context,
    /// The node's wall clock, for CLIENT LIST and MONITOR.
    pub(super) wall_ms: u64,
    pub(super) batch: Batch,
    pub(super) slots: Vec<ReplySlot>,
    /// The first write of the batch and its arrival, in monotonic time.
    pub(super) first_write: Option<(Request, Duration)>,
    /// The outcome of the read barrier, once it has been taken: the time that decides for the
    /// following reads which keys have expired.
    pub(super) barrier: Option<Result<u64, Unavailable>>,
    pub(super) redirect: Redirect,
    /// Whether the session may have changed, so that CLIENT LIST has to be given the new state.
    pub(super) session_changed: bool,
    /// The changes to the connection that the commands of the current request have asked for.
    effects: Effects,
    /// Whether the connection is to be closed: no further request runs.
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
        // CLIENT CACHING applies to one command, or to one transaction.
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
            Route::Write { .. } => unreachable!("a write has been collected"),
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

    /// Runs a command on the connection or the node, outside of the usual routes for reads and
    /// writes.
    pub(super) async fn run_immediately(&mut self, position: usize, request: &Request) -> Reply {
        let run = match table::ROWS[position].route {
            Route::Operate { run, .. } => run,
            // Of the transaction steps, only UNWATCH can be queued.
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
                // A blocking command ends when its client disconnects, because nobody reads its
                // reply.
                () = hung_up(self.socket), if row.flags.blocking => {
                    self.closing = true;
                    self.effects.no_reply = true;
                    Reply::Null
                }
            },
            Err(error) => error.into(),
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

    /// Discards the clock and the read barrier after a command that waited: later requests of the
    /// batch need newer ones.
    pub(super) fn reset_after_wait(&mut self) {
        self.wall_ms = self.state.clock.now_ms();
        self.barrier = None;
    }

    /// Runs a command that needs only this node's own state.
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
                unreachable!("{} cannot run on this node alone", row.spec.name)
            }
        })
    }

    /// Applies a command's changes to the session (protocol, read consistency), and keeps its
    /// effects on the connection.
    fn changed_session(&mut self, effects: Effects) {
        self.effects.add(effects);
        self.closing |= effects.close;
        if self.context.protocol != self.session.protocol {
            self.context.protocol = self.session.protocol;
            // Other connections send pushes to this client: from now on they have to use the new
            // protocol.
            self.client.show(self.session);
        }
        if self.permit.is_outdated(self.state, self.session) {
            // Shown before the check: a change of users after it finds the client.
            self.client.show(self.session);
            let user = rights::user(self.state, self.session.user());
            self.closing |= !user.is_some_and(|user| self.client.may_listen(&user));
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

    /// Runs a request of a client whose replies are off (CLIENT REPLY). If a command changes the
    /// mode, the new mode decides whether its reply is sent.
    async fn run_without_replies(&mut self, request: &Request, mode: ReplyMode) {
        self.flush().await;
        let begin = self.out.len();
        self.session.replies = ReplyMode::On;
        self.suppressed = true;
        self.run_with_replies(request).await;
        self.flush().await;
        self.suppressed = false;
        let chosen = self.effects.chose_replies;
        // The confirmation of a subscription is a push message, which is sent in every mode; an
        // error is a reply, which is not.
        let row = table::find(request.name());
        let listens = row.is_some_and(|row| row.spec.group == Group::PubSub && row.flags.while_subscribed);
        let is_message = listens && self.out.get(begin).is_some_and(|first| *first != b'-');
        if !chosen && !is_message {
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

    /// Counts a call of the command at `place`, and whether it failed.
    pub(super) fn count(&self, place: usize, reply: &Reply) {
        let stats = &self.state.stats.counters.commands[place];
        add(&stats.calls, 1);
        if reply.is_error() {
            add(&stats.failed, 1);
        }
    }
}
