//! JsonVault: JSON documents behind the Redis protocol, replicated by Raft.
pub mod error;
pub mod json;
pub mod keyspace;
pub mod resp;
