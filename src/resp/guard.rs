//! Where a reply ends, found without reading it twice.
//!
//! redis-protocol decodes a frame by recursion and from its first byte at each call. Alone, a reply
//! that arrives in many pieces would cost quadratic time, and one that nests deeply the stack. So
//! the guard walks over types and lengths first, keeping its place between calls, and
//! redis-protocol sees whole frames of bounded depth only.
//!
//! Invariants:
//! * `position <= buffer.len()`, and only grows until the frame is whole;
//! * `open.len() <= nesting_max`, and no entry of `open` is 0: a container that is full is closed
//!   at once.

use super::header::{self, Header};
use super::limits::Limits;
use super::reader::ReplyError;

/// The scan of one reply.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Bytes of the frame that were walked over.
    position: usize,
    /// Bytes after `position` known to hold no line end, so that a long line is searched once.
    searched: usize,
    /// For each container around `position`, how many of its members are still to come.
    open: Vec<u64>,
    /// Types that only RESP3 has were seen.
    pub(super) resp3: bool,
    /// A null of RESP2 was seen, which redis-protocol's RESP3 decoder takes for the start of a
    /// stream.
    pub(super) resp2_null: bool,
}

impl Guard {
    /// The size of the frame at the front of `buffer`, or `None` until it is whole.
    ///
    /// # Errors
    /// [`ReplyError`] if this is no reply, or one beyond the limits.
    pub(super) fn frame_bytes(
        &mut self,
        buffer: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ReplyError> {
        assert!(self.position <= buffer.len(), "only the decoder takes bytes from its buffer");
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

    /// Counts a finished value in its container, and the containers that it fills in theirs. True
    /// at the end.
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

    /// Walks over one value without members, or over a container's header: its size and its number
    /// of members.
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
                // The same bound as below, so that how the line was cut into reads makes no
                // difference.
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

/// A text of `length` bytes behind a header of `size`.
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
