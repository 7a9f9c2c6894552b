//! Commands for operators and tools: INFO, changes of the cluster, waits for replicas, telemetry.
//!
//! | file | owns |
//! |---|---|
//! | `info` | the text of INFO |
//! | `cluster` | changes of the cluster; its topology as clients of Redis Cluster see it |
//! | `join` | requests to another cluster to add this node |
//! | `telemetry` | slow log, latencies, memory; waits for replicas and snapshots |
//! | `node_api` | the node as commands see it |
//! | `rlimit` | how many clients the limit on open files allows |

pub mod cluster;
pub mod info;
pub mod join;
pub mod node_api;
pub mod rights;
pub mod rlimit;
pub mod telemetry;
