//! The server: accepts clients, runs their commands, and writes their replies.
//!
//! | wing | what it has | it names |
//! |---|---|---|
//! | `stats` | what the server counts and measures | none of the others |
//! | `pubsub` | messages between connections, and the table of open connections | `stats` |
//! | `state` | the data that all connections share | `stats`, `pubsub` |
//! | `admin` | what operators ask: INFO, cluster changes, waiting; the node as commands see it | those above |
//! | `connection` | accepting, admitting, running and answering requests | those above |
//!
//! Invariants:
//! * replies leave a connection in the order of its requests;
//! * a read sees every earlier write of its own connection;
//! * a client that caches is told of a change before any client of the node is answered what was
//!   done after it;
//! * an unauthenticated client may only authenticate;
//! * at most `maxclients` connections are served; one more gets an error and is closed;
//! * a connection whose write is under way is not closed before the reply, not even by a shutdown.

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
