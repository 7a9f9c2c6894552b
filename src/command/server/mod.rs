//! Commands about the node.
pub mod bgsave;
pub mod command;
pub mod config;
pub mod debug;
pub mod info;
pub mod memory;
pub mod time;
