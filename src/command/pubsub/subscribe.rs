//! `SUBSCRIBE channel ..`, `PSUBSCRIBE pattern ..`, `SSUBSCRIBE channel ..`: subscribes this
//! connection to messages.

use super::told;
use crate::command::{Args, Channel, Command, Control, Flags, Group, KeySpec, Node, Session, Spec, Usage};
use crate::error::CommandError;
use crate::resp::Reply;

/// Shard channels, which Redis Cluster assigns to slots like keys.
const CHANNELS: KeySpec = KeySpec::ALL.used(Usage::NO_KEY);

macro_rules! commands {
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
                let each = each.map(|(name, counts)| told($small, Some(name), counts, Channel::$kind));
                Ok(Reply::Several(each.collect()))
            }
        }
    )* };
}

commands! {
    Subscribe, "SUBSCRIBE", "2.0.0", "O(N) with N the channels", "subscribe", Plain, KeySpec::NONE, "channel [channel ...]", "Listens for messages published to channels.";
    Psubscribe, "PSUBSCRIBE", "2.0.0", "O(N) with N the patterns", "psubscribe", Pattern, KeySpec::NONE, "pattern [pattern ...]", "Listens for messages published to channels that match one or more patterns.";
    Ssubscribe, "SSUBSCRIBE", "7.0.0", "O(N) with N the channels", "ssubscribe", Shard, CHANNELS, "channel [channel ...]", "Listens for messages published to shard channels.";
}
