//! A command as it arrived: its words, not yet understood.

use bytes::Bytes;
use smallvec::SmallVec;

/// So many arguments are kept without an allocation: `JSON.SET key path json` is the longest of the
/// hot commands.
const INLINE_ARGUMENTS: usize = 4;

/// The arguments of one command, the command's name first. There is always a name.
///
/// Each is a slice of the connection's read buffer, not a copy. A slice keeps the whole buffer (up
/// to a few times [`READ_AHEAD_BYTES_MAX`](super::limits::READ_AHEAD_BYTES_MAX)) alive: copy what
/// is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    arguments: SmallVec<[Bytes; INLINE_ARGUMENTS]>,
}

impl Request {
    /// # Panics
    /// If there is no argument: an empty request is not one.
    pub fn new(arguments: impl IntoIterator<Item = Bytes>) -> Request {
        let request = Request { arguments: arguments.into_iter().collect() };
        assert!(!request.arguments.is_empty(), "a request names a command");
        request
    }

    /// Starts a request of `count` arguments; memory grows as they are pushed.
    pub(super) fn with_room_for(count: usize) -> Request {
        // Called when the arguments have arrived, so the count is a fact and no longer a claim.
        Request { arguments: SmallVec::with_capacity(count) }
    }

    #[inline]
    pub(super) fn push(&mut self, argument: Bytes) {
        self.arguments.push(argument);
    }

    /// The command's name, in the letters in which the client wrote it.
    #[inline]
    pub fn name(&self) -> &Bytes {
        &self.arguments[0]
    }

    /// What follows the name.
    #[inline]
    pub fn args(&self) -> &[Bytes] {
        &self.arguments[1..]
    }

    /// The name and what follows it; Redis counts arity in these.
    #[inline]
    pub fn words(&self) -> &[Bytes] {
        &self.arguments
    }

    /// The bytes of all arguments, framing not included.
    pub fn bytes(&self) -> usize {
        self.arguments.iter().map(Bytes::len).sum()
    }

    /// The same request in memory of its own, so that nothing of the read buffer stays alive.
    pub fn detached(&self) -> Request {
        Request {
            arguments: self.arguments.iter().map(|argument| Bytes::copy_from_slice(argument)).collect(),
        }
    }
}
