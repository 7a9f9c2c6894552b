//! Commands about the node: settings, snapshots, statistics, the command table and SHUTDOWN. They
//! use the interface [`Node`](crate::command::Node) and never touch the keyspace themselves.

pub mod acl;
pub mod command;
pub mod config;
pub mod debug;
pub mod instance;
pub mod latency;
pub mod memory;
pub mod persistence;
pub mod slowlog;
pub mod wait;
