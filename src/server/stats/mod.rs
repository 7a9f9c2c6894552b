//! What the server counts and measures of its own work.
//!
//! | file | what it has |
//! |---|---|
//! | `counters` | counters of the server and of each command |
//! | `error_stats` | errors by their codes |
//! | `histogram` | durations of calls |
//! | `gauges` | what one connection holds |
//! | `sampling` | rates, and peaks of memory and of buffers |
//! | `slowlog` | requests that took long |
//! | `latency` | moments at which some kind of work took long |

pub mod counters;
pub mod error_stats;
pub mod gauges;
pub mod histogram;
pub mod latency;
pub mod sampling;
pub mod slowlog;
