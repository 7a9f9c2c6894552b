//! What a node that does not lead says to clients of Redis Cluster.

/// What a node does with a request that the leader has to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum RedirectMode {
    /// It asks the leader and passes the answer on: every client works with any one address.
    #[default]
    Forward,
    /// It tells the client where the leader is, as a replica of a Redis Cluster does.
    Moved,
}
