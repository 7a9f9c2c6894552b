//! `SUBSCRIBE channel ..`, `PSUBSCRIBE pattern ..`, `SSUBSCRIBE channel ..`: has this connection
//! told of messages.

use super::told;
use crate::command::{Args, Channel, Command, Control, Flags, Group, KeySpec, Node, Session, Spec, Usage};
use crate::error::CommandError;
use crate::resp::Reply;

/// Names of channels, which Redis Cluster spreads over slots as it does keys.
const CHANNELS: KeySpec = KeySpec::ALL.used(Usage::NO_KEY);

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $small:literal, $kind:ident, $keys:expr, $syntax:literal;)*) => { $(
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
                summary: "Has this connection told of messages.",
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
    Subscribe, "SUBSCRIBE", "2.0.0", "O(N) with N the channels", "subscribe", Plain, KeySpec::NONE, "channel [channel ...]";
    Psubscribe, "PSUBSCRIBE", "2.0.0", "O(N) with N the patterns", "psubscribe", Pattern, KeySpec::NONE, "pattern [pattern ...]";
    Ssubscribe, "SSUBSCRIBE", "7.0.0", "O(N) with N the channels", "ssubscribe", Shard, CHANNELS, "channel [channel ...]";
}
