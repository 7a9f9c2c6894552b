//! JsonVault: JSON documents behind the Redis protocol, replicated by Raft.
pub mod client;
pub mod error;
pub mod json;
pub mod resp;
