//! The server: accepts clients, runs their commands and writes their replies.
//!
//! `stats` and `pubsub` do not depend on connections: a connection calls them, and they put
//! messages for it into its outbox or its socket writer.
//!
//! | module | owns | may use |
//! |---|---|---|
//! | `stats` | counters and measurements of the server's own work | none of the others |
//! | `pubsub` | messages between connections, and the table of open connections | `stats` |
//! | `state` | the data that all connections share | `stats`, `pubsub` |
//! | `admin` | INFO, cluster changes, waits; the node as commands see it | those above |
//! | `connection` | accepting clients; admitting, running and answering requests | those above |
//!
//! Invariants:
//! * replies leave a connection in the order of its requests;
//! * a read sees every earlier write of its own connection, except a `local` read on a follower;
//! * a caching client is sent an invalidation before any client of this node receives the reply to
//!   a later request;
//! * an unauthenticated client can only authenticate, reset its connection or close it;
//! * at most `maxclients` connections are served; a further one gets an error and is closed;
//! * a connection is not closed while a write of it is in progress, not even by a shutdown.

mod admin;
mod connection;
mod pubsub;
mod state;
mod stats;

mod limits;
pub use admin::join;
pub use admin::rlimit::fitted;
pub use connection::{Listener, admit};
pub use limits::LIMITS;
pub use pubsub::PubSub;
pub use state::{Restart, ServerState};
pub use stats::Stats;
