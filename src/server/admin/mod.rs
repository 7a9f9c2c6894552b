//! What operators and tools ask of the node: INFO, members of the cluster, waiting for replicas,
//! telemetry.
//!
//! | file | what it has |
//! |---|---|
//! | `info` | the text of INFO |
//! | `cluster`, `join` | changes of the cluster, and asking a member to be taken in |
//! | `telemetry` | the slow log, latencies and memory, as commands ask for them |
//! | `node_api` | the node as commands see it |
//! | `rlimit` | how many clients the limit of open files leaves room for |

pub mod cluster;
pub mod info;
pub mod join;
pub mod node_api;
pub mod rlimit;
pub mod telemetry;
