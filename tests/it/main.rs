//! Tests of whole processes and of the repository itself. They are in one binary, so that there is
//! only one to link.
//!
//! Each test starts the programs that it needs on ports and in directories of its own (see
//! [`harness`]). An example of a longer run: `JSONVAULT_ROUNDS=100 cargo test --test it crash`.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests use the machine as it is: nothing of them runs in a node"
)]

mod harness;

mod abuse;
mod caching;
mod changes;
mod clocks;
mod cluster_clients;
mod commands;
mod crash;
mod damage;
mod directory;
mod formats;
mod full_disk;
mod info;
mod inspect;
mod libraries;
mod login;
#[cfg(target_os = "linux")]
mod machine_faults;
mod members;
mod messages;
mod protocol;
mod raft_port;
mod scripts;
mod sessions;
mod settings;
mod shutdown;
mod snapshots;
mod tidy;
mod under_load;
mod upgrade;
mod users;
