//! Tests of the commands: requests and their replies, without a socket, a log or a clock.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read their own files, and fail by a panic"
)]

mod budget;
mod collections;
mod conformance;
mod facts;
mod patches;
mod properties;
mod scripts;
mod vault;
