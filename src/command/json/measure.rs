//! Reads that say one thing of each match: a length, keys, a position.

use bytes::Bytes;

use super::target::locations;
use crate::command::Budget;
use crate::error::CommandError;
use crate::json::Value;
use crate::json::path::Path;
use crate::keyspace::View;
use crate::resp::Reply;

/// What is answered where there is nothing to say something of. `None` is a null.
pub struct Otherwise {
    /// No key, and a `$` path.
    pub no_key: CommandError,
    /// No key, and a legacy path.
    pub no_key_legacy: Option<CommandError>,
    /// No match of a legacy path.
    pub no_match: Option<CommandError>,
    /// The first match of a legacy path has another type.
    pub wrong_type: CommandError,
}

/// What `say` answers for each match of a `$` path, null where it has nothing to say; for a legacy path, what it
/// answers for the first.
pub fn measure(
    keyspace: &View<'_>,
    key: &Bytes,
    path: &Path,
    otherwise: Otherwise,
    say: impl Fn(Value<'_>) -> Option<Reply>,
) -> Result<Reply, CommandError> {
    let null_or = |answer: Option<CommandError>| answer.map_or(Ok(Reply::Null), Err);
    let Some(document) = keyspace.document(key)? else {
        return if path.is_legacy() { null_or(otherwise.no_key_legacy) } else { Err(otherwise.no_key) };
    };
    let found = locations(path, &document)?;
    let mut replies = found.iter().map(|location| say(location.value(&document)));
    if !path.is_legacy() {
        let mut budget = Budget::default();
        let spend = |reply: Option<Reply>| {
            let reply = reply.unwrap_or(Reply::Null);
            budget.spend_on_reply(&reply)?;
            Ok(reply)
        };
        return replies.map(spend).collect::<Result<_, _>>().map(Reply::Array);
    }
    match replies.next() {
        None => null_or(otherwise.no_match),
        Some(reply) => reply.ok_or(otherwise.wrong_type),
    }
}
