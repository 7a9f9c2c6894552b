//! Commands about the node.
pub mod acl;
pub mod bgsave;
pub mod command;
pub mod config;
pub mod debug;
pub mod info;
pub mod time;
