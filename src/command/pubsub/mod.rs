//! Messages between clients: publish/subscribe and MONITOR.

pub mod monitor;
pub mod publish;
#[allow(clippy::module_inception, reason = "a file has the name of its command")]
pub mod pubsub;
pub mod subscribe;
pub mod unsubscribe;

use bytes::Bytes;

use crate::command::{Channel, Counts};
use crate::resp::Reply;

/// The confirmation of a subscription or unsubscription of one name, which has the form of a
/// message.
fn told(word: &'static str, name: Option<&Bytes>, counts: Counts, kind: Channel) -> Reply {
    let name = name.map_or(Reply::Null, |name| Reply::Bulk(name.clone()));
    Reply::Push(vec![Reply::word(word), name, Reply::Integer(counts.shown(kind) as i64)])
}
