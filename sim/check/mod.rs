//! The checkers of a run; each file checks one guarantee.

pub mod digests;
pub mod expiry;
pub mod leaders;
pub mod progress;
pub mod reads;
pub mod writes;
