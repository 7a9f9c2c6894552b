//! `PUBLISH channel message`, `SPUBLISH channel message`: sends a message to the channel's
//! subscribers on all nodes, and returns the number of receivers on this node.

use crate::command::{Args, Channel, Command, Control, Flags, Group, KeySpec, Node, Session, Spec, Usage};
use crate::error::CommandError;
use crate::resp::Reply;

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $keys:expr, $kind:ident;)*) => { $(
        pub struct $name;

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: 3,
                keys: $keys,
                group: Group::PubSub,
                since: $since,
                complexity: $complexity,
                summary: "Posts a message to a channel.",
                syntax: "channel message",
            };
            const FLAGS: Flags = Flags { fast: true, paused_with_writes: true, without: &["noscript"], ..Flags::DEFAULT };
        }

        impl Control for $name {
            fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
                let (channel, message) = (args.word()?, args.word()?);
                let reached = node.client_registry().publish(Channel::$kind, channel, message);
                Ok(Reply::Integer(reached as i64))
            }
        }
    )* };
}

commands! {
    Publish, "PUBLISH", "2.0.0", "O(N+M) with N the clients that listen to the channel and M the patterns", KeySpec::NONE, Plain;
    Spublish, "SPUBLISH", "7.0.0", "O(N) with N the clients that listen to the channel", KeySpec::FIRST.used(Usage::NO_KEY), Shard;
}
