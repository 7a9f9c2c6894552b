//! The wire: RESP2, RESP3 and inline commands, within limits.
mod reply;

pub use reply::{Protocol, Reply};
