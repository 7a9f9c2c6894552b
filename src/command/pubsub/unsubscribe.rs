//! `UNSUBSCRIBE [channel ..]`, `PUNSUBSCRIBE [pattern ..]`, `SUNSUBSCRIBE [channel ..]`: ends
//! subscriptions of one kind, or all of them without names.

use super::told;
use crate::command::{Args, Channel, Command, Control, Flags, Group, KeySpec, Node, Session, Spec, Usage};
use crate::error::CommandError;
use crate::resp::Reply;

/// Names of channels, which Redis Cluster spreads over slots as it does keys.
const CHANNELS: KeySpec = KeySpec::ALL.used(Usage::NO_KEY);

macro_rules! commands {
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
                    return Ok(told($small, None, session.subscribed, kind));
                }
                let mut replies = Vec::new();
                for name in &names {
                    session.subscribed = node.client_registry().unsubscribe(session.id, kind, name);
                    replies.push(told($small, Some(name), session.subscribed, kind));
                }
                Ok(Reply::Several(replies))
            }
        }
    )* };
}

commands! {
    Unsubscribe, "UNSUBSCRIBE", "2.0.0", "O(N) with N the channels", "unsubscribe", Plain, KeySpec::NONE, "[channel ...]", "Stops listening to messages posted to channels.";
    Punsubscribe, "PUNSUBSCRIBE", "2.0.0", "O(N) with N the patterns", "punsubscribe", Pattern, KeySpec::NONE, "[pattern ...]", "Stops listening to messages published to channels that match one or more patterns.";
    Sunsubscribe, "SUNSUBSCRIBE", "7.0.0", "O(N) with N the channels", "sunsubscribe", Shard, CHANNELS, "[channel ...]", "Stops listening to messages posted to shard channels.";
}
