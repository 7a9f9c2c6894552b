//! What must hold of every run, one file for each promise.

pub mod digests;
pub mod expiry;
pub mod leaders;
pub mod progress;
pub mod reads;
pub mod writes;
