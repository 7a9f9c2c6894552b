//! Subscriptions.
//!
//! * `SUBSCRIBE channel ..`, `PSUBSCRIBE pattern ..`, `SSUBSCRIBE channel ..`: subscribes this
//!   connection to messages.
//! * `UNSUBSCRIBE [channel ..]`, `PUNSUBSCRIBE [pattern ..]`, `SUNSUBSCRIBE [channel ..]`: ends the
//!   named subscriptions of one kind; without names, all subscriptions of that kind.

use bytes::Bytes;

use crate::command::{
    Args, Channel, Command, Control, Counts, Flags, Group, KeySpec, Node, Session, Spec, Usage,
};
use crate::error::CommandError;
use crate::resp::Reply;

/// The arguments are channels and not keys; only shard channels are assigned to slots.
const CHANNELS: KeySpec = KeySpec::ALL.used(Usage::CHANNEL);

macro_rules! subscribe_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $small:literal, $kind:ident, $keys:expr, $syntax:literal, $summary:literal;)*) => { $(
        pub struct $name;

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: -2,
                keys: $keys,
                group: Group::PubSub,
                since: $since,
                complexity: $complexity,
                summary: $summary,
                syntax: $syntax,
            };
            const FLAGS: Flags = Flags { while_subscribed: true, not_in_multi: true, ..Flags::DEFAULT };
        }

        impl Control for $name {
            fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
                let names = args.rest();
                let counts = node.client_registry().subscribe(session.id, Channel::$kind, names)?;
                session.subscribed = counts.last().copied().unwrap_or(session.subscribed);
                let each = names.iter().zip(counts);
                let each = each.map(|(name, counts)| confirmation($small, Some(name), counts, Channel::$kind));
                Ok(Reply::Several(each.collect()))
            }
        }
    )* };
}

subscribe_commands! {
    Subscribe, "SUBSCRIBE", "2.0.0", "O(N), N: channels", "subscribe", Plain, KeySpec::NONE, "channel [channel ...]", "Subscribes to channels.";
    Psubscribe, "PSUBSCRIBE", "2.0.0", "O(N), N: patterns", "psubscribe", Pattern, KeySpec::NONE, "pattern [pattern ...]", "Subscribes to all channels that match a pattern.";
    Ssubscribe, "SSUBSCRIBE", "7.0.0", "O(N), N: channels", "ssubscribe", Shard, CHANNELS, "channel [channel ...]", "Subscribes to shard channels.";
}

macro_rules! unsubscribe_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $small:literal, $kind:ident, $keys:expr, $syntax:literal, $summary:literal;)*) => { $(
        pub struct $name;

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: -1,
                keys: $keys,
                group: Group::PubSub,
                since: $since,
                complexity: $complexity,
                summary: $summary,
                syntax: $syntax,
            };
            const FLAGS: Flags = Flags { while_subscribed: true, not_in_multi: true, ..Flags::DEFAULT };
        }

        impl Control for $name {
            fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
                let kind = Channel::$kind;
                let names = match args.rest() {
                    [] => node.client_registry().subscriptions(session.id, kind),
                    names => names.to_vec(),
                };
                if names.is_empty() {
                    return Ok(confirmation($small, None, session.subscribed, kind));
                }
                let mut replies = Vec::new();
                for name in &names {
                    session.subscribed = node.client_registry().unsubscribe(session.id, kind, name);
                    replies.push(confirmation($small, Some(name), session.subscribed, kind));
                }
                Ok(Reply::Several(replies))
            }
        }
    )* };
}

unsubscribe_commands! {
    Unsubscribe, "UNSUBSCRIBE", "2.0.0", "O(N), N: channels", "unsubscribe", Plain, KeySpec::NONE, "[channel ...]", "Ends subscriptions to the named channels, or to all.";
    Punsubscribe, "PUNSUBSCRIBE", "2.0.0", "O(N), N: patterns", "punsubscribe", Pattern, KeySpec::NONE, "[pattern ...]", "Ends subscriptions to the named patterns, or to all.";
    Sunsubscribe, "SUNSUBSCRIBE", "7.0.0", "O(N), N: channels", "sunsubscribe", Shard, CHANNELS, "[channel ...]", "Ends subscriptions to the named shard channels, or to all.";
}

/// The confirmation of one subscription or unsubscription, which has the form of a pub/sub message.
fn confirmation(word: &'static str, name: Option<&Bytes>, counts: Counts, kind: Channel) -> Reply {
    let name = name.map_or(Reply::Null, |name| Reply::Bulk(name.clone()));
    Reply::Push(vec![Reply::word(word), name, Reply::Integer(counts.shown(kind) as i64)])
}
