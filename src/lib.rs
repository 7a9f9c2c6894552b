//! JsonVault: JSON documents behind the Redis protocol, replicated by Raft.
pub mod command;
pub mod env;
pub mod error;
pub mod json;
pub mod keyspace;
pub mod machine;
pub mod resp;
