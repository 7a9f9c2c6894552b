//! Test equipment: replaces the outside world for tests, benchmarks, the simulation and fuzzers.
//!
//! Compiled only with the feature `testkit`, which the crate's own tests enable through
//! `[dev-dependencies]`; the server binary does not contain it. A test (`tests/it/tidy.rs`) checks
//! that other code does not use it.
//!
//! | | |
//! |---|---|
//! | [`SimDisk`] | a disk in memory that fails on request, loses power, and may lie |
//! | [`ManualClock`] | a clock that moves on request |
//! | [`SeededDelays`] | the delays of simulated background work |
//! | [`fuzz`] | the functions that fuzzers call, one for each target |
//! | [`release_file`], [`hex`] | the files that a release has left, and bytes as they show them |
//! | [`decode_request_by_redis_protocol`] | an independent decoder of requests |

mod clock;
mod delays;
mod disk;
pub mod fuzz;
mod oracle;
mod release;

pub use clock::ManualClock;
pub use delays::SeededDelays;
pub use disk::{Op, SECTOR_BYTES, SimDisk};
pub use oracle::decode_request_by_redis_protocol;
pub use release::release_file;

pub use crate::acl::hex;
