//! The wire: RESP2, RESP3 and inline commands, within limits.
//!
//! Pure: bytes in, requests and replies out; no socket, no clock. The server uses [`Decoder`] and
//! [`encode`], a client uses [`encode_request`] and [`ReplyDecoder`]; both apply the same
//! [`Limits`].
//!
//! The redis-protocol crate decodes replies, behind a guard that bounds their size and nesting, and
//! checks in property tests everything that is encoded here; no other module names it. Requests
//! have a decoder of their own, for its speed and its bounds
//! (`docs/decisions/0002-request-decoding.md`).
//!
//! Invariants:
//! * time is linear in the bytes, however they are split into reads;
//! * no length prefix reserves memory before its bytes arrive;
//! * after a protocol error a stream yields nothing more.
mod decode;
mod double;
mod encode;
mod guard;
mod header;
pub mod limits;
mod reader;
mod reply;
mod request;
mod words;

pub use decode::Decoder;
pub use double::write_double;
pub use encode::{encode, encode_request};
pub use limits::Limits;
pub use reader::{ReplyDecoder, ReplyError, Value};
pub use reply::{Protocol, Reply};
pub use request::{ProtocolError, Request};
pub use words::{UnbalancedQuotes, quote, split_words};
