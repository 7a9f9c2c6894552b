//! Commands about the node: settings, snapshots, statistics, the command table and SHUTDOWN. They
//! use the interface [`Node`](crate::command::Node) and not the keyspace, except for MEMORY USAGE
//! in a transaction.

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
