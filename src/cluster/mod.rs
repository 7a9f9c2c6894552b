//! What stands above consensus and the transport: where requests go, who the members are, and the handle on it all.

pub(crate) mod bootstrap;
pub(crate) mod group;
mod membership;
mod pubsub_relay;
mod read_index;
mod router;
mod rpc_service;
#[cfg(test)]
pub(crate) mod tests;

pub use bootstrap::Phase;
pub use group::{Bootstrap, Group, Options};
pub use pubsub_relay::PubSubSink;
