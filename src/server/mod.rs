//! The front door: accepts clients, runs their commands, and writes their replies.
//!
//! Invariants:
//! * replies leave a connection in the order of its requests;
//! * a read sees every earlier write of its own connection;
//! * a client that caches is told of a change before any client of the node is answered what was done after it;
//! * a client that has to say who it is gets nothing else before it has;
//! * at most `maxclients` connections are served; one more gets an error and is closed;
//! * a connection whose write is under way is not closed before the reply, not even by a shutdown.

mod admission;
mod cluster;
mod connection;
mod dispatch;
mod errors;
mod files;
mod gauges;
mod histogram;
mod hub;
mod info;
mod inspect;
pub mod join;
pub mod latency;
mod limits;
mod listener;
mod mailbox;
mod monitor;
mod outlet;
mod protect;
mod redirect;
mod registry;
pub mod sampling;
mod shared;
pub mod slowlog;
mod stats;
mod topology;
mod transact;
mod waiting;

pub use cluster::Restart;
pub use files::fitted;
pub use hub::Hub;
pub use limits::LIMITS;
pub use listener::Listener;
pub use shared::Shared;
pub use stats::Stats;
