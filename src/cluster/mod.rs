//! What stands above consensus and the transport.

mod bootstrap;
mod group;
mod leader;
mod membership;
mod pubsub_relay;
mod read_index;
mod router;
mod rpc_service;
mod standings;
mod tasks;
#[cfg(test)]
mod tests;
mod verdict;

pub use bootstrap::Bootstrap;
pub use group::{Group, Options};
pub use pubsub_relay::PubSubSink;
