//! Commands about the node.
pub mod acl;
pub mod bgrewriteaof;
pub mod bgsave;
pub mod command;
pub mod config;
pub mod debug;
pub mod info;
pub mod lastsave;
pub mod latency;
pub mod memory;
pub mod module;
pub mod save;
pub mod shutdown;
pub mod slowlog;
pub mod time;
pub mod wait;
