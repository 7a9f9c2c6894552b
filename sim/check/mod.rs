//! The checkers of a run, one file for each guarantee.

pub mod digests;
pub mod expiry;
pub mod leaders;
pub mod progress;
pub mod reads;
pub mod writes;
