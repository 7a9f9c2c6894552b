//! The commands from the outside: requests in, replies out, with no socket, no log and no clock in
//! between.
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
