//! What a node that does not lead says to clients of Redis Cluster, and the words of a setting that is on or off.

/// What a node does with a request that the leader has to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum RedirectMode {
    /// It asks the leader and passes the answer on: every client works with any one address.
    #[default]
    Forward,
    /// It tells the client where the leader is, as a replica of a Redis Cluster does.
    Moved,
}

/// Reads `yes` or `no`, the words of redis.conf.
pub fn yes_or_no(word: &str) -> Result<bool, String> {
    match word.to_ascii_lowercase().as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("argument must be 'yes' or 'no'".to_string()),
    }
}

/// As [`yes_or_no`] reads it.
pub const fn word_of(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}
