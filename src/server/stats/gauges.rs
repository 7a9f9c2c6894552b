//! The buffers of one connection: updated by its task, read by CLIENT LIST and INFO.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::BytesMut;

use crate::command::Buffers;

/// The present sizes from which [`Buffers`] is filled.
#[derive(Debug, Default)]
pub struct Gauges {
    input: AtomicU64,
    input_room: AtomicU64,
    arguments: AtomicU64,
    queued: AtomicU64,
    output: AtomicU64,
    output_room: AtomicU64,
    output_peak: AtomicU64,
    writes: AtomicBool,
}

fn set(gauge: &AtomicU64, bytes: usize) {
    gauge.store(bytes as u64, Ordering::Relaxed);
}

impl Gauges {
    /// Records the size of the input buffer: received bytes that have not been decoded.
    pub fn set_input(&self, input: &BytesMut) {
        set(&self.input, input.len());
        set(&self.input_room, input.capacity() - input.len());
    }

    /// Records the size of the current command's words.
    pub fn set_arguments(&self, bytes: usize) {
        set(&self.arguments, bytes);
    }

    pub fn set_queued(&self, bytes: usize) {
        set(&self.queued, bytes);
    }

    /// Records the size of the replies that are to be sent.
    pub fn set_output(&self, out: &Vec<u8>) {
        set(&self.output, out.len());
        set(&self.output_room, out.capacity());
        if self.output_peak.load(Ordering::Relaxed) < out.len() as u64 {
            set(&self.output_peak, out.len());
        }
    }

    /// Records how many bytes of replies are left to be sent. Above 0, the task waits for the
    /// client to accept them.
    pub fn set_writes(&self, left: usize) {
        set(&self.output, left);
        self.writes.store(left > 0, Ordering::Relaxed);
    }

    pub fn read(&self, messages: usize, message_bytes: usize) -> Buffers {
        let get = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        Buffers {
            input: get(&self.input),
            input_room: get(&self.input_room),
            arguments: get(&self.arguments),
            queued: get(&self.queued),
            output_room: get(&self.output_room),
            output_peak: get(&self.output_peak),
            output: get(&self.output),
            message_bytes: message_bytes as u64,
            messages: messages as u64,
            writes: self.writes.load(Ordering::Relaxed),
        }
    }
}
