//! The front door: accepts clients, runs their commands, and writes their replies.
//!
//! Invariants:
//! * replies leave a connection in the order of its requests;
//! * a read sees every earlier write of its own connection;
//! * a client that has to say who it is gets nothing else before it has;
//! * at most `maxclients` connections are served; one more gets an error and is closed;
//! * a connection whose write is under way is not closed before the reply, not even by a shutdown.

mod cluster;
mod connection;
mod dispatch;
pub mod expiry;
mod hub;
mod info;
pub mod join;
mod listener;
mod mailbox;
mod monitor;
mod protect;
mod redirect;
mod registry;
mod shared;
mod stats;
mod topology;
mod transact;

pub use hub::{Hub, run as run_hub};
pub use listener::Listener;
pub use shared::Shared;
pub use stats::Stats;
