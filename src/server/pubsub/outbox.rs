//! The outbox of a connection for unsolicited messages (pub/sub, MONITOR), and the signal that
//! closes the connection.
//!
//! Invariants:
//! * messages leave in the order in which they were posted;
//! * the size of the waiting messages is limited: [`Outbox::post`] reports a full outbox, and does
//!   not wait;
//! * once the connection is to be closed, further messages are dropped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::resp::Reply;

/// Approximate memory of a message apart from its bytes.
const MESSAGE_BYTES: usize = 128;

/// One message, which all its receivers share.
#[derive(Clone, Debug)]
pub enum Message {
    Reply(Arc<Reply>),
    /// A line in wire format, which is the same in both protocol versions.
    Line(Bytes),
}

/// The messages that wait for one connection, and whether the connection is to be closed.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    /// Notified of each message, of each [`Outbox::wake`], and when the connection is to be closed.
    more: Notify,
    /// Whether the connection's task has yet to send unsent bytes of the socket writer.
    wakes: AtomicBool,
    ending: AtomicBool,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<(Message, usize)>,
    bytes: usize,
}

impl Outbox {
    /// Adds a message of about `bytes` bytes. If more than `bytes_max` would then wait, adds
    /// nothing and returns `false`. A message is always accepted if no other waits.
    pub fn post(&self, message: Message, bytes: usize, bytes_max: usize) -> bool {
        if self.is_ending() {
            return true;
        }
        let cost = bytes + MESSAGE_BYTES;
        let mut waiting = self.waiting.lock();
        if waiting.bytes + cost > bytes_max && !waiting.messages.is_empty() {
            return false;
        }
        waiting.bytes += cost;
        waiting.messages.push_back((message, cost));
        drop(waiting);
        self.more.notify_one();
        true
    }

    /// Removes and returns the next message.
    pub fn take(&self) -> Option<Message> {
        let mut waiting = self.waiting.lock();
        let (message, cost) = waiting.messages.pop_front()?;
        waiting.bytes = waiting.bytes.checked_sub(cost).expect("a waiting message was counted");
        assert!(
            !waiting.messages.is_empty() || waiting.bytes == 0,
            "the count of bytes is 0 if no message waits"
        );
        Some(message)
    }

    /// The number of waiting messages, and the bytes that count towards the limit.
    pub fn waiting(&self) -> (usize, usize) {
        let waiting = self.waiting.lock();
        (waiting.messages.len(), waiting.bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.lock().messages.is_empty()
    }

    /// Wakes the connection's task to send the unsent bytes of the socket writer.
    pub fn wake(&self) {
        self.wakes.store(true, Ordering::Release);
        self.more.notify_one();
    }

    /// Returns when there is something to send, or the connection is to be closed.
    pub async fn woken(&self) {
        while self.is_empty() && !self.is_ending() && !self.wakes.swap(false, Ordering::AcqRel) {
            self.more.notified().await;
        }
    }

    /// Closes the connection after its current requests have been answered, and drops the waiting
    /// messages.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
        *self.waiting.lock() = Waiting::default();
        self.more.notify_one();
        self.ended.notify_one();
    }

    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Returns when the connection is to be closed.
    pub async fn ending(&self) {
        while !self.is_ending() {
            self.ended.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &'static str) -> Message {
        Message::Line(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn what_waits_is_bounded_and_in_order() {
        let outbox = Outbox::default();
        assert!(outbox.post(line("one"), 3, 2 * MESSAGE_BYTES + 6));
        assert!(outbox.post(line("two"), 3, 2 * MESSAGE_BYTES + 6));
        assert!(!outbox.post(line("three"), 5, 2 * MESSAGE_BYTES + 6));
        let taken = std::iter::from_fn(|| outbox.take()).map(|message| match message {
            Message::Line(bytes) => bytes,
            Message::Reply(_) => panic!("no reply was posted"),
        });
        assert_eq!(taken.collect::<Vec<_>>(), ["one", "two"]);
        // A single message is accepted even if it exceeds the limit.
        assert!(outbox.post(line("large"), 5, 1));
    }

    #[tokio::test]
    async fn the_end_wakes_and_drops_what_waits() {
        let outbox = Outbox::default();
        outbox.post(line("one"), 3, 1000);
        outbox.end();
        outbox.woken().await;
        outbox.ending().await;
        assert!(outbox.take().is_none() && outbox.is_ending());
    }
}
