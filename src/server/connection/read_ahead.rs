//! Decides how much of a pipeline is read before its first request runs.
//!
//! Invariants:
//! * the room is a power of two from [`READ_BYTES_MIN`] to [`READ_AHEAD_BYTES_MAX`], so an idle
//!   connection keeps little memory;
//! * what is read before a request runs is bounded by [`TURN_BYTES_MAX`] plus one room.

use crate::resp::limits::{READ_AHEAD_BYTES_MAX, READ_BYTES_MIN};

/// Once this much has been read, the requests run. Large enough that a pipeline of hundreds of
/// small documents is one entry of the log; small enough that the first reply does not wait for
/// megabytes.
const TURN_BYTES_MAX: usize = 256 << 10;

const _: () = assert!(READ_BYTES_MIN.is_power_of_two() && READ_AHEAD_BYTES_MAX.is_power_of_two());
const _: () = assert!(READ_AHEAD_BYTES_MAX <= TURN_BYTES_MAX);

/// The room for the next read of one connection, from what it sent before.
#[derive(Debug)]
pub(super) struct ReadAhead {
    room: usize,
    restricted: bool,
}

impl Default for ReadAhead {
    fn default() -> ReadAhead {
        ReadAhead { room: READ_BYTES_MIN, restricted: false }
    }
}

impl ReadAhead {
    /// Sets whether the client is unauthenticated: such a client gets only the smallest room.
    pub(super) fn restrict(&mut self, restricted: bool) {
        self.restricted = restricted;
    }

    /// How many bytes to reserve for a read.
    pub(super) fn room(&self) -> usize {
        if self.restricted { READ_BYTES_MIN } else { self.room }
    }

    /// Whether to read again after this turn has read `bytes` and filled the buffer. If so, the
    /// room grows.
    pub(super) fn may_continue(&mut self, bytes: usize) -> bool {
        let may = !self.restricted && bytes < TURN_BYTES_MAX;
        if may {
            self.room = (self.room * 2).min(READ_AHEAD_BYTES_MAX);
        }
        may
    }

    /// Shrinks the room once a turn has read far less.
    pub(super) fn adapt(&mut self, bytes: usize) {
        if bytes < self.room / 4 {
            self.room = (self.room / 2).max(READ_BYTES_MIN);
        }
        assert!(self.room.is_power_of_two() && (READ_BYTES_MIN..=READ_AHEAD_BYTES_MAX).contains(&self.room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_follows_the_pipeline() {
        let mut ahead = ReadAhead::default();
        let mut read = 0;
        while ahead.may_continue(read) {
            read += ahead.room();
        }
        assert!((TURN_BYTES_MAX..TURN_BYTES_MAX + READ_AHEAD_BYTES_MAX).contains(&read));
        ahead.adapt(read);
        assert_eq!(ahead.room(), READ_AHEAD_BYTES_MAX);
        for _ in 0..10 {
            ahead.adapt(100);
        }
        assert_eq!(ahead.room(), READ_BYTES_MIN);
    }

    #[test]
    fn an_unauthenticated_client_gets_no_room() {
        let mut ahead = ReadAhead::default();
        assert!(ahead.may_continue(0));
        ahead.restrict(true);
        assert!(!ahead.may_continue(READ_BYTES_MIN));
        assert_eq!(ahead.room(), READ_BYTES_MIN);
    }
}
