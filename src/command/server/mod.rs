//! Commands about the node.

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
