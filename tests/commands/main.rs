//! The commands from the outside: requests in, replies out, with no socket, no log and no clock in between.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files, and stops at what it did not expect"
)]
#![allow(clippy::disallowed_methods, reason = "tests read their own files")]

mod conformance;
mod patches;
mod properties;
mod scripts;
mod vault;
