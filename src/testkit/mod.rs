//! Test equipment: what tests, benchmarks, the simulation and fuzzers put in the place of the world
//! outside.
//!
//! Compiled with the feature `testkit` only, which the crate's own tests turn on through
//! `[dev-dependencies]`: no server has it. The product names nothing of it (`tests/it/tidy.rs`).
//!
//! | | |
//! |---|---|
//! | [`SimDisk`] | a disk in memory that fails as told, loses power, and may lie |
//! | [`ManualClock`] | a clock that moves when told |
//! | [`SeededDelays`] | how long a simulated thread makes its work wait |
//! | [`fuzz`] | what fuzzers call, one function for each target |
//! | [`decode_request_by_redis_protocol`] | a second opinion on requests |

mod clock;
mod delays;
mod disk;
pub mod fuzz;
mod oracle;

pub use clock::ManualClock;
pub use delays::SeededDelays;
pub use disk::{Op, SECTOR_BYTES, SimDisk};
pub use oracle::decode_request_by_redis_protocol;
