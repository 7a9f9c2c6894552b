//! Reads and writes of a batch: proposals, the read barrier, and replies in order.
//!
//! While some client of this node uses client-side caching, a read keeps the keyspace from applying
//! the next entry until its reply is in the socket writer. The reply then follows the invalidations
//! of earlier entries and precedes those of later ones.

use super::dispatch::{ReplySlot, Runner};
use crate::command::{ReadConsistency, Route, Row, called};
use crate::error::Unavailable;
use crate::keyspace::BetweenEntries;
use crate::machine::Batch;
use crate::peer::Done;
use crate::resp::{Reply, Request, encode};
use crate::server::stats::counters::add;
use crate::server::stats::latency::Event;

impl Runner<'_> {
    /// Runs a command that reads, and pushes its reply. The read barrier has been passed.
    pub(super) fn read(&mut self, position: usize, row: &Row, request: &Request) {
        let Route::Read { run } = row.route else { unreachable!("{} reads", row.spec.name) };
        let (pubsub, keyspace) = (&*self.state.pubsub, &*self.state.keyspace);
        let keys = || row.spec.keys.positions(request.words().len()).map(|at| &request.words()[at]);
        // Held until the reply is in the socket writer. A caching client must receive the
        // invalidation of the next change after this reply, and no client may read a change before
        // its invalidations are sent.
        let between_entries =
            (pubsub.tracks() && keys().next().is_some()).then(|| keyspace.between_entries());
        let access = between_entries.as_ref().map_or_else(|| keyspace.each(), BetweenEntries::access);
        let reply = self.timed(position, request, |runner| {
            pubsub.remember_reads(runner.session, keys());
            let reply = keyspace.read_whole(|| run(request.args(), &runner.context, access).into());
            reply.unwrap_or_else(|| Unavailable::Loading.into())
        });
        self.push_reply(reply);
        pubsub.invalidate_forgotten(self.session, keys());
    }

    /// Adds a write to the batch. An invalid write becomes an error at its place among the replies.
    pub(super) fn write(&mut self, position: usize, row: &Row, request: &Request) {
        let started = self.state.clock.elapsed();
        let place = called::place(position, request.words());
        let slot = match self.batch.push(row, request.args(), &self.context) {
            Ok(()) => {
                self.first_write.get_or_insert_with(|| (request.clone(), started));
                ReplySlot::Write(place, started)
            }
            Err(error) => {
                add(&self.state.stats.counters.commands[place].rejected, 1);
                ReplySlot::Ready(Reply::Error(error))
            }
        };
        self.slots.push(slot);
    }

    /// Proposes the collected writes and pushes their replies.
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
                    self.state.stats.counters.record_duration(place, now.saturating_sub(started));
                    self.count(place, &reply);
                    reply
                }
            };
            self.push_reply(reply);
        }
        self.wall_ms = self.state.clock.now_ms();
        assert!(self.batch.is_empty() && self.slots.is_empty(), "a flush sends every write and reply");
    }

    /// Proposes writes of this connection. If another node leads, this node may apply them a moment
    /// after their replies arrive. The next read therefore needs a new barrier: the present one
    /// would not wait for these writes, and the connection would not read its own writes.
    pub(super) async fn propose(&mut self, batch: Batch) -> Result<Done, Unavailable> {
        self.barrier = None;
        let done = self.state.group.propose(batch).await?;
        // Caching clients must get the invalidations before this reply. This node sends them when
        // it applies the entry; if that takes too long, it tells the clients to drop all keys.
        if self.state.pubsub.tracks() && !self.state.group.has_applied(done.index).await {
            self.state.pubsub.invalidate_all();
        }
        Ok(done)
    }

    /// The consistency of the connection's reads.
    pub(super) fn read_consistency(&self) -> ReadConsistency {
        let setting = || self.state.config.read().read_consistency;
        self.session.read_consistency.unwrap_or_else(setting)
    }

    pub(super) async fn read_barrier(&mut self) -> Result<(), Unavailable> {
        if let Some(taken) = &self.barrier {
            return taken.clone().map(|_| ());
        }
        let consistency = self.read_consistency();
        let started = self.state.clock.elapsed();
        let outcome = self.state.group.read_barrier(consistency).await;
        self.state.stats.record(Event::ReadBarrier, self.state.clock.elapsed().saturating_sub(started));
        if let Ok(now_ms) = outcome {
            self.context.now_ms = now_ms;
        }
        self.barrier = Some(outcome.clone());
        outcome.map(|_| ())
    }

    /// Writes a reply, or queues it behind earlier writes that are still collected.
    pub(super) fn push_reply(&mut self, reply: Reply) {
        if !self.slots.is_empty() {
            self.slots.push(ReplySlot::Ready(reply));
            return;
        }
        add(&self.state.stats.counters.commands_processed, 1);
        self.state.stats.counters.count_error(&reply);
        encode(&reply, self.session.protocol, self.out);
        self.hand_to_writer();
    }

    /// Moves the replies to the socket writer if the client also receives pushes, so that replies
    /// and pushes are sent in the order of their creation.
    pub(super) fn hand_to_writer(&mut self) {
        if self.client.interleaves_pushes() && !self.suppressed {
            self.buffered = self.client.writer.append(self.out);
        }
    }
}
