//! JsonVault: JSON documents behind the Redis protocol, replicated by Raft.
pub mod client;
pub mod command;
pub mod config;
pub mod env;
pub mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod json;
pub mod keyspace;
pub mod machine;
pub mod node;
pub mod raft;
pub mod resp;
pub mod server;
pub mod storage;
