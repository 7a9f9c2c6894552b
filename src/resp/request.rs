//! A request as it arrived: its words, not yet parsed.

use bytes::Bytes;
use smallvec::SmallVec;

/// Up to this many arguments need no allocation: `JSON.SET key path json` is the longest of the
/// frequent commands.
const INLINE_ARGUMENTS: usize = 4;

/// The words of one command, its name first. There is always a name.
///
/// Each is a slice of the connection's read buffer, not a copy. A slice keeps the whole buffer (up
/// to a few times [`READ_AHEAD_BYTES_MAX`](super::limits::READ_AHEAD_BYTES_MAX)) alive, so whatever
/// is stored has to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    arguments: SmallVec<[Bytes; INLINE_ARGUMENTS]>,
}

impl Request {
    /// # Panics
    /// If `arguments` is empty.
    pub fn new(arguments: impl IntoIterator<Item = Bytes>) -> Request {
        let request = Request { arguments: arguments.into_iter().collect() };
        assert!(!request.arguments.is_empty(), "a request names a command");
        request
    }

    /// An empty request with room for `count` arguments.
    pub(super) fn with_room_for(count: usize) -> Request {
        // The arguments have arrived, so the count is verified and may reserve memory.
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

    /// The name and the arguments; Redis counts arity in these.
    #[inline]
    pub fn words(&self) -> &[Bytes] {
        &self.arguments
    }

    /// The bytes of all arguments, framing not included.
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
