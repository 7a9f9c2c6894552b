//! What a command of the `Control` route may ask of the node.

use super::Session;

/// How fresh a read has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ReadConsistency {
    /// The newest acknowledged state: leadership is confirmed with a majority first.
    #[default]
    Linearizable,
    /// The leader's state while its lease lasts: no round of messages, but trust in the clocks' speed.
    Lease,
    /// Whatever this node has applied.
    Local,
}

/// The node as commands see it. Implemented by the server.
pub trait Node: Sync {
    /// The text of `INFO` for these sections, lower case; none: the default ones.
    fn info(&self, sections: &[String]) -> String;
    /// Names and values of the settings whose name matches one of the patterns, as `CONFIG GET` answers.
    fn config(&self, patterns: &[&[u8]]) -> Vec<(String, String)>;
    /// Changes a setting that may be changed while running.
    fn set_config(&self, name: &str, value: &str) -> Result<(), String>;
    fn reset_stats(&self);
    /// Begins a snapshot in the background.
    fn begin_snapshot(&self);
    /// One line for each connection, as `CLIENT LIST` shows it.
    fn clients(&self) -> Vec<Session>;
    fn node_id(&self) -> u64;
    /// Whether this node leads its group.
    fn is_leader(&self) -> bool;
    /// How many keys there are.
    fn keys(&self) -> usize;
    /// Unix time in milliseconds.
    fn now_ms(&self) -> u64;
}
