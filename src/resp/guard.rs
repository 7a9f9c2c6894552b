//! Finds the end of a reply before redis-protocol decodes it.
//!
//! redis-protocol decodes a frame recursively, and starts from its first byte at each call. Without
//! this guard, a reply that arrives in many pieces would take quadratic time, and a deeply nested
//! one would overflow the stack. The guard scans types and lengths first and keeps its position
//! between calls, so redis-protocol gets only whole frames of bounded depth.
//!
//! Invariants:
//! * `position <= buffer.len()`, and `position` only grows until the frame is complete;
//! * `open.len() <= nesting_max`, and no element of `open` is 0: a full container is closed at
//!   once.

use super::header::{self, Header};
use super::limits::Limits;
use super::reader::ReplyError;

/// The progress of the scan of one reply.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// The number of bytes of the frame that have been scanned.
    position: usize,
    /// The number of bytes after `position` that are known to contain no line end, so that a long
    /// line is searched only once.
    searched: usize,
    /// For each container around `position`, the number of members that are still missing.
    open: Vec<u64>,
    /// Whether the frame contains a type that only RESP3 has.
    pub(super) resp3: bool,
    /// Whether the frame contains a null of RESP2. redis-protocol's RESP3 decoder would take it for
    /// the start of a stream.
    pub(super) resp2_null: bool,
}

impl Guard {
    /// The size of the frame at the front of `buffer`, or `None` until the frame is complete.
    ///
    /// # Errors
    /// [`ReplyError`] if the bytes are not a reply, or exceed the limits.
    pub(super) fn frame_bytes(
        &mut self,
        buffer: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ReplyError> {
        assert!(self.position <= buffer.len(), "only the decoder removes bytes from its buffer");
        loop {
            let Some((size, members)) = self.step(&buffer[self.position..], limits)? else { return Ok(None) };
            self.position += size;
            self.searched = 0;
            if self.position > limits.output_bytes_max {
                return Err(ReplyError::TooBig);
            }
            if members > 0 {
                if self.open.len() == limits.nesting_max {
                    return Err(ReplyError::TooDeep);
                }
                self.open.push(members);
            } else if self.close() {
                return Ok(Some(self.position));
            }
        }
    }

    /// Counts a complete value in its container. A container that is then complete counts in the
    /// one around it. Returns true at the end of the frame.
    fn close(&mut self) -> bool {
        while let Some(members) = self.open.last_mut() {
            debug_assert!(*members > 0);
            *members -= 1;
            if *members > 0 {
                return false;
            }
            self.open.pop();
        }
        true
    }

    /// Scans one value without members, or the header of a container. Returns its size and its
    /// number of members.
    fn step(&mut self, rest: &[u8], limits: &Limits) -> Result<Option<(usize, u64)>, ReplyError> {
        let Some(&kind) = rest.first() else { return Ok(None) };
        self.resp3 |= matches!(kind, b'_' | b',' | b'#' | b'(' | b'=' | b'!' | b'~' | b'>' | b'%');
        match kind {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => {
                Ok(self.line(rest, limits)?.map(|size| (size, 0)))
            }
            b'$' | b'=' | b'!' | b'*' | b'~' | b'>' | b'%' => {
                let (value, size) = match header::read(rest) {
                    Header::Length { value, size } => (value, size),
                    Header::Incomplete => return Ok(None),
                    Header::Malformed | Header::TooLong => return Err(ReplyError::Malformed),
                };
                if value == -1 && matches!(kind, b'$' | b'*') {
                    self.resp2_null = true;
                    return Ok(Some((size, 0)));
                }
                let value = u64::try_from(value).map_err(|_| ReplyError::Malformed)?;
                match kind {
                    b'*' | b'~' | b'>' => Ok(Some((size, value))),
                    b'%' => Ok(Some((size, value * 2))),
                    _ => bulk(rest, size, value, limits),
                }
            }
            _ => Err(ReplyError::Malformed),
        }
    }

    fn line(&mut self, rest: &[u8], limits: &Limits) -> Result<Option<usize>, ReplyError> {
        debug_assert!(self.searched <= rest.len());
        match rest[self.searched..].iter().position(|byte| *byte == b'\n') {
            Some(found) => {
                let size = self.searched + found + 1;
                // The same limit as below, so that the result does not depend on how the line was
                // split over reads.
                if size - 1 > limits.bulk_bytes_max {
                    return Err(ReplyError::TooBig);
                }
                let whole = size >= 2 && rest[size - 2] == b'\r';
                if whole { Ok(Some(size)) } else { Err(ReplyError::Malformed) }
            }
            None if rest.len() > limits.bulk_bytes_max => Err(ReplyError::TooBig),
            None => {
                self.searched = rest.len();
                Ok(None)
            }
        }
    }
}

/// Checks a text of `length` bytes after a header of `size` bytes.
fn bulk(rest: &[u8], size: usize, length: u64, limits: &Limits) -> Result<Option<(usize, u64)>, ReplyError> {
    let length = usize::try_from(length).map_err(|_| ReplyError::TooBig)?;
    if length > limits.bulk_bytes_max {
        return Err(ReplyError::TooBig);
    }
    match rest.get(size + length..size + length + 2) {
        None => Ok(None),
        Some(b"\r\n") => Ok(Some((size + length + 2, 0))),
        Some(_) => Err(ReplyError::Malformed),
    }
}
