//! The ways in which a client can break the protocol, with Redis' error texts.

use std::ascii::escape_default;

use crate::error::CommandError;

/// The bytes are no request, or exceed the limits. Nothing after them can be understood: the
/// connection sends [`ProtocolError::command_error`] and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("ERR Protocol error: invalid multibulk length")]
    ArgumentCount,
    #[error("ERR Protocol error: invalid bulk length")]
    BulkLength,
    /// Of an unauthenticated client.
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
    /// Redis closes such a connection without an error; the text saves the user a search.
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
