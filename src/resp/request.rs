//! A request whose words have not been parsed, and the protocol errors of clients, with Redis'
//! texts.

use std::ascii::escape_default;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::error::CommandError;

/// Up to this number of arguments, a request needs no allocation: `JSON.SET key path json` is the
/// longest of the frequent commands.
const INLINE_ARGUMENTS: usize = 4;

/// The words of one command, its name first. There is always a name.
///
/// A word is usually a slice of the connection's read buffer, not a copy. A slice keeps the whole
/// buffer alive, which may hold other requests too, so a word has to be copied before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    arguments: SmallVec<[Bytes; INLINE_ARGUMENTS]>,
}

impl Request {
    /// Makes a request of these words.
    ///
    /// # Panics
    /// If `arguments` is empty.
    pub fn new(arguments: impl IntoIterator<Item = Bytes>) -> Request {
        let request = Request { arguments: arguments.into_iter().collect() };
        assert!(!request.arguments.is_empty(), "a request names a command");
        request
    }

    /// An empty request with room for `count` words.
    pub(super) fn with_room_for(count: usize) -> Request {
        // Reserving this memory is safe: all arguments have arrived, so the count is correct.
        Request { arguments: SmallVec::with_capacity(count) }
    }

    #[inline]
    pub(super) fn push(&mut self, argument: Bytes) {
        self.arguments.push(argument);
    }

    /// The command's name, as the client spelled it.
    #[inline]
    pub fn name(&self) -> &Bytes {
        &self.arguments[0]
    }

    /// The arguments after the name.
    #[inline]
    pub fn args(&self) -> &[Bytes] {
        &self.arguments[1..]
    }

    /// The name and the arguments. Redis counts all of these words for a command's arity.
    #[inline]
    pub fn words(&self) -> &[Bytes] {
        &self.arguments
    }

    /// The total size of all words in bytes, without the framing.
    pub fn bytes(&self) -> usize {
        self.arguments.iter().map(Bytes::len).sum()
    }

    /// A copy of the request, which does not keep the read buffer alive.
    pub fn detached(&self) -> Request {
        Request {
            arguments: self.arguments.iter().map(|argument| Bytes::copy_from_slice(argument)).collect(),
        }
    }
}

/// The error for bytes that are not a request or exceed the limits. The bytes after them cannot be
/// interpreted, so the connection sends [`ProtocolError::command_error`] and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("ERR Protocol error: invalid multibulk length")]
    ArgumentCount,
    #[error("ERR Protocol error: invalid bulk length")]
    BulkLength,
    /// The request of an unauthenticated client has too many arguments.
    #[error("ERR Protocol error: unauthenticated multibulk length")]
    UnauthenticatedCount,
    #[error("ERR Protocol error: unauthenticated bulk length")]
    UnauthenticatedBulk,
    #[error("ERR Protocol error: expected '$', got '{}'", escape_default(*.0))]
    ExpectedBulk(u8),
    #[error("ERR Protocol error: too big mbulk count string")]
    CountTooLong,
    #[error("ERR Protocol error: too big bulk count string")]
    LengthTooLong,
    #[error("ERR Protocol error: too big inline request")]
    InlineTooLong,
    #[error("ERR Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// Redis closes such a connection without an error. The text tells the user the reason.
    #[error("ERR Protocol error: too big request")]
    RequestTooBig,
}

impl ProtocolError {
    pub fn command_error(&self) -> CommandError {
        CommandError::new(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_redis_and_never_break_the_line() {
        assert_eq!(
            ProtocolError::ExpectedBulk(b'f').to_string(),
            "ERR Protocol error: expected '$', got 'f'"
        );
        assert_eq!(
            ProtocolError::ExpectedBulk(b'\r').command_error().line(),
            "ERR Protocol error: expected '$', got '\\r'"
        );
    }
}
