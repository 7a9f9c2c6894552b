//! JsonVault: JSON documents behind the Redis protocol, replicated by Raft.
pub mod env;
pub mod error;
pub mod json;
pub mod resp;
pub mod storage;
