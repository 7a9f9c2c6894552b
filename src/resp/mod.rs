//! The wire: RESP2, RESP3 and inline commands, within limits.
//!
//! Pure: bytes in, requests and replies out; no socket, no clock. The server's half is [`Decoder`]
//! and [`encode`], the client's is [`encode_request`] and [`ReplyDecoder`]; both apply the same
//! [`Limits`].
//!
//! Replies are read by the redis-protocol crate, behind a guard that bounds their size and nesting.
//! It also checks everything that is written here, in property tests. Requests are read by our own
//! scanner, for its speed and its bounds: `docs/decisions/0002-request-decoding.md`. No other
//! module names that crate.
mod decode;
mod double;
mod encode;
mod guard;
mod header;
pub mod limits;
mod reader;
mod reply;
mod request;
mod value;
mod violation;
mod words;

pub use decode::Decoder;
pub use double::write_double;
pub use encode::{encode, encode_request};
pub use limits::Limits;
pub use reader::{ReplyDecoder, ReplyError};
pub use reply::{Protocol, Reply};
pub use request::Request;
pub use value::Value;
pub use violation::ProtocolError;
pub use words::{UnbalancedQuotes, quote, split_words};
