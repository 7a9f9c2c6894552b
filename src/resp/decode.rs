//! Decodes requests from a stream of bytes.
//!
//! A scan walks the headers of a request, skips the arguments, and keeps its position between
//! calls. Once the whole request has arrived, it is split off the buffer and sliced into arguments.
//! The time for a request is therefore linear in its bytes, regardless of how they are split over
//! reads. An unfinished request holds only the buffer and a few counters, regardless of the lengths
//! that it announces.
//!
//! `docs/decisions/0002-request-decoding.md` has the measurements that led to this decoder instead
//! of `redis_protocol::decode`.
//!
//! Invariants:
//! * `position <= buffer.len()`: between calls, the caller only appends to the buffer, so checked
//!   bytes stay where they are;
//! * `remaining <= arguments`, and `arguments > 0` exactly while an array of arguments is
//!   unfinished;
//! * headers up to `position` are well-formed and within the limits, and the pass that slices the
//!   arguments relies on that;
//! * after an error every further call returns the same error, because the boundaries of later
//!   requests are not known.

use bytes::{Buf, Bytes, BytesMut};

use super::header::{self, Header};
use super::limits::{
    Limits, READ_AHEAD_BYTES_MAX, READ_BYTES_MIN, UNAUTHENTICATED_ARGUMENTS_MAX,
    UNAUTHENTICATED_BULK_BYTES_MAX,
};
use super::request::{ProtocolError, Request};
use super::words::split_words;

/// The decoding state of one connection's input.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    /// Whether the limits of unauthenticated clients apply.
    restricted: bool,
    /// The number of checked bytes at the front of the buffer: whole headers and arguments, or a
    /// part of an inline command.
    position: usize,
    /// The length of the buffer that is needed before a further call can make progress.
    wanted: usize,
    /// The offset of the first argument's header.
    body: usize,
    /// The number of arguments of the unfinished request; 0 between requests.
    arguments: usize,
    /// The number of arguments that have not been scanned.
    remaining: usize,
    failed: Option<ProtocolError>,
}

/// Whether the scan has reached the end of the request.
#[derive(PartialEq, Eq)]
enum Progress {
    Done,
    NeedMore,
}

impl Decoder {
    pub fn new(limits: Limits) -> Decoder {
        Decoder {
            limits,
            restricted: false,
            position: 0,
            wanted: 0,
            body: 0,
            arguments: 0,
            remaining: 0,
            failed: None,
        }
    }

    /// Sets whether the limits of unauthenticated clients apply, from the next header on.
    pub fn restrict(&mut self, restricted: bool) {
        self.restricted = restricted;
    }

    /// The next request at the front of `buffer`, or `None` until more bytes have been appended to
    /// it.
    ///
    /// The bytes of the request are split off `buffer`; those of an unfinished request stay in it.
    /// Empty requests (`*0`, `*-1`, a blank line) are skipped, as Redis does. Arguments are slices
    /// of the buffer's memory.
    ///
    /// # Errors
    /// [`ProtocolError`], and the same error on every later call. The caller has to send it to the
    /// client and close the connection.
    ///
    /// # Panics
    /// If the caller removed bytes from `buffer` between two calls.
    #[inline]
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Request>, ProtocolError> {
        assert!(self.position <= buffer.len(), "only the decoder removes bytes from its buffer");
        if buffer.len() < self.wanted {
            return Ok(None);
        }
        match self.failed {
            None => self.advance(buffer).inspect_err(|error| (self.failed, self.wanted) = (Some(*error), 0)),
            Some(error) => Err(error),
        }
    }

    /// The room to be reserved in `buffer` before the next read: the bytes known to be missing,
    /// clamped to [`READ_BYTES_MIN`] and [`READ_AHEAD_BYTES_MAX`]. `BytesMut` doubles its capacity,
    /// so growing in small steps takes linear time.
    pub fn room_wanted(&self, buffer: &BytesMut) -> usize {
        self.wanted.saturating_sub(buffer.len()).clamp(READ_BYTES_MIN, READ_AHEAD_BYTES_MAX)
    }

    /// Whether the count of an unfinished request, or a part of an inline command, has arrived. A
    /// client that disconnects then leaves the request unfinished.
    pub fn is_midway(&self) -> bool {
        self.arguments > 0 || self.position > 0
    }

    fn advance(&mut self, buffer: &mut BytesMut) -> Result<Option<Request>, ProtocolError> {
        while self.arguments == 0 {
            match buffer.first() {
                None => return Ok(None),
                Some(b'*') => {
                    if self.read_count(buffer)? == Progress::NeedMore {
                        return Ok(None);
                    }
                }
                Some(_) => match self.read_line(buffer)? {
                    None => return Ok(None),
                    Some(words) if words.is_empty() => {}
                    Some(words) => return Ok(Some(Request::new(words))),
                },
            }
        }
        match self.scan(buffer)? {
            Progress::NeedMore => Ok(None),
            Progress::Done => Ok(Some(self.take(buffer))),
        }
    }

    /// Reads `*<count>\r\n`. A request with a count of zero or less is skipped.
    fn read_count(&mut self, buffer: &mut BytesMut) -> Result<Progress, ProtocolError> {
        assert!(self.position == 0 && self.arguments == 0, "a request begins with a count");
        match header::read(buffer) {
            Header::Incomplete => {
                self.wanted = buffer.len() + 1;
                Ok(Progress::NeedMore)
            }
            Header::Malformed => Err(ProtocolError::ArgumentCount),
            Header::TooLong => Err(ProtocolError::CountTooLong),
            Header::Length { value: ..=0, size } => {
                buffer.advance(size);
                // `wanted` is reset, because the bytes that it counted are no longer in the buffer:
                // the next request may be shorter.
                self.wanted = 0;
                Ok(Progress::Done)
            }
            Header::Length { value, size } => {
                let count = usize::try_from(value).map_err(|_| ProtocolError::ArgumentCount)?;
                if count > self.limits.arguments_max {
                    return Err(ProtocolError::ArgumentCount);
                }
                if self.restricted && count > UNAUTHENTICATED_ARGUMENTS_MAX {
                    return Err(ProtocolError::UnauthenticatedCount);
                }
                (self.arguments, self.remaining) = (count, count);
                (self.position, self.body) = (size, size);
                Ok(Progress::Done)
            }
        }
    }

    /// Scans the arguments that have arrived completely.
    fn scan(&mut self, buffer: &BytesMut) -> Result<Progress, ProtocolError> {
        debug_assert!(self.remaining <= self.arguments);
        while self.remaining > 0 {
            let rest = &buffer[self.position..];
            match rest.first() {
                None | Some(b'$') => {}
                Some(&other) => return Err(ProtocolError::ExpectedBulk(other)),
            }
            let (length, size) = match header::read(rest) {
                Header::Incomplete => {
                    self.wanted = buffer.len() + 1;
                    return Ok(Progress::NeedMore);
                }
                Header::Malformed => return Err(ProtocolError::BulkLength),
                Header::TooLong => return Err(ProtocolError::LengthTooLong),
                Header::Length { value, size } => (value, size),
            };
            let length = usize::try_from(length).map_err(|_| ProtocolError::BulkLength)?;
            if length > self.limits.bulk_bytes_max {
                return Err(ProtocolError::BulkLength);
            }
            if self.restricted && length > UNAUTHENTICATED_BULK_BYTES_MAX {
                return Err(ProtocolError::UnauthenticatedBulk);
            }
            let whole = size + length + 2;
            if self.position + whole > self.limits.request_bytes_max {
                return Err(ProtocolError::RequestTooBig);
            }
            let Some(line_end) = rest.get(size + length..whole) else {
                self.wanted = self.position + whole;
                return Ok(Progress::NeedMore);
            };
            // Redis skips these two bytes without a check. Here a wrong length is an error, so that
            // no command is read from the middle of a value.
            if line_end != b"\r\n" {
                return Err(ProtocolError::BulkLength);
            }
            self.position += whole;
            self.remaining -= 1;
        }
        Ok(Progress::Done)
    }

    /// Splits the scanned request off the buffer and slices its bytes into arguments.
    fn take(&mut self, buffer: &mut BytesMut) -> Request {
        debug_assert!(self.remaining == 0 && self.arguments > 0, "the scan has found the whole request");
        let frame = buffer.split_to(self.position).freeze();
        let mut request = Request::with_room_for(self.arguments);
        let mut at = self.body;
        for _ in 0..self.arguments {
            let Header::Length { value, size } = header::read(&frame[at..]) else {
                unreachable!("the scan has read this header");
            };
            let (start, end) = (at + size, at + size + value as usize);
            request.push(frame.slice(start..end));
            at = end + 2;
        }
        assert!(at == frame.len(), "the second pass ends where the scan did");
        (self.arguments, self.position, self.wanted) = (0, 0, 0);
        request
    }

    /// Reads an inline command: a line, split by the quoting rules. `None` until the end of the
    /// line has arrived.
    fn read_line(&mut self, buffer: &mut BytesMut) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        let window = buffer.len().min(self.limits.inline_bytes_max);
        let Some(found) = buffer[self.position..window].iter().position(|byte| *byte == b'\n') else {
            if window == self.limits.inline_bytes_max {
                return Err(ProtocolError::InlineTooLong);
            }
            (self.position, self.wanted) = (window, window + 1);
            return Ok(None);
        };
        let line = buffer.split_to(self.position + found + 1);
        (self.position, self.wanted) = (0, 0);
        let words = split_words(&line).map_err(|_| ProtocolError::UnbalancedQuotes)?;
        Ok(Some(words.into_iter().map(Bytes::from).collect()))
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
