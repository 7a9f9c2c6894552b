//! The wire protocol: RESP2, RESP3 and inline commands, within limits.
//!
//! The module is pure: it converts between bytes and requests or replies, without sockets and
//! clocks. The server uses [`Decoder`] and [`encode`], a client uses [`encode_request`] and
//! [`ReplyDecoder`]; both apply the same [`Limits`].
//!
//! The redis-protocol crate decodes replies, after a guard has checked their size and nesting. In
//! property tests, the crate also checks the encoder. Otherwise only `testkit` uses the crate.
//! Requests have a decoder of our own, because it is faster and limits memory
//! (`docs/decisions/0002-request-decoding.md`).
//!
//! Invariants:
//! * time is linear in the bytes, regardless of how they are split into reads;
//! * a length prefix reserves at most [`limits::READ_AHEAD_BYTES_MAX`] before its bytes arrive;
//! * after a protocol error, nothing more is read from a stream.
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
