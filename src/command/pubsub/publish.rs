//! Messages to subscribers, and reports about subscriptions.
//!
//! * `PUBLISH channel message`, `SPUBLISH channel message`: sends a message to the channel's
//!   subscribers on all nodes, and returns the number of receivers on this node.
//! * `PUBSUB CHANNELS|NUMSUB|NUMPAT|SHARDCHANNELS|SHARDNUMSUB`: reports the subscriptions of this
//!   node's clients.
//! * `MONITOR`: sends this connection the commands that this node processes, until the connection
//!   is reset or closed.

use crate::command::framework::subcommands;
use crate::command::{
    Args, Channel, Command, Control, Flags, Group, KeySpec, Node, Session, Spec, Subcommand, Usage,
};
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
                summary: "Sends a message to the subscribers of a channel.",
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
    Publish, "PUBLISH", "2.0.0", "O(N+M), N: subscribers of the channel, M: patterns", KeySpec::NONE, Plain;
    Spublish, "SPUBLISH", "7.0.0", "O(N), N: subscribers of the channel", KeySpec::FIRST.used(Usage::CHANNEL), Shard;
}

pub struct Pubsub;

impl Command for Pubsub {
    const SPEC: Spec = Spec {
        name: "PUBSUB",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::PubSub,
        since: "2.8.0",
        complexity: "That of the subcommand",
        summary: "Shows the subscriptions of the clients of this node.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { without: &["noscript"], ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new(
            "CHANNELS",
            "[pattern]",
            "2.8.0",
            "O(N), N: channels with subscribers",
            "Lists the channels with subscribers on this node.",
        ),
        Subcommand::new(
            "NUMSUB",
            "[channel ...]",
            "2.8.0",
            "O(N), N: channels named",
            "Counts the subscribers of each named channel on this node.",
        ),
        Subcommand::new(
            "NUMPAT",
            "",
            "2.8.0",
            "O(1)",
            "Counts the distinct patterns with subscribers on this node.",
        ),
        Subcommand::new(
            "SHARDCHANNELS",
            "[pattern]",
            "7.0.0",
            "O(N), N: channels with subscribers",
            "Lists the shard channels with subscribers on this node.",
        ),
        Subcommand::new(
            "SHARDNUMSUB",
            "[channel ...]",
            "7.0.0",
            "O(N), N: channels named",
            "Counts the subscribers of each named shard channel on this node.",
        ),
        Subcommand::help("6.2.0"),
    ];
}

impl Control for Pubsub {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let word = args.word()?;
        match &word.to_ascii_uppercase()[..] {
            b"CHANNELS" if args.left() <= 1 => channels(args, node, Channel::Plain),
            b"SHARDCHANNELS" if args.left() <= 1 => channels(args, node, Channel::Shard),
            b"NUMSUB" => Ok(listeners(args, node, Channel::Plain)),
            b"SHARDNUMSUB" => Ok(listeners(args, node, Channel::Shard)),
            b"NUMPAT" if args.is_empty() => {
                let patterns = node.client_registry().channels(Channel::Pattern, None)?;
                Ok(Reply::Integer(patterns.len() as i64))
            }
            b"HELP" if args.is_empty() => Ok(subcommands::help::<Self>()),
            b"CHANNELS" | b"SHARDCHANNELS" => Err(args.wrong_subcommand_or_arity(word)),
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

fn channels(args: &mut Args<'_>, node: &dyn Node, kind: Channel) -> Result<Reply, CommandError> {
    let names = node.client_registry().channels(kind, args.word_if_any().map(|pattern| &pattern[..]))?;
    Ok(Reply::Array(names.into_iter().map(Reply::Bulk).collect()))
}

fn listeners(args: &mut Args<'_>, node: &dyn Node, kind: Channel) -> Reply {
    let mut replies = Vec::new();
    for name in args.rest() {
        replies.push(Reply::Bulk(name.clone()));
        replies.push(Reply::Integer(node.client_registry().listeners(kind, name) as i64));
    }
    Reply::Array(replies)
}

pub struct Monitor;

impl Command for Monitor {
    const SPEC: Spec = Spec {
        name: "MONITOR",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "",
        summary: "Shows each request that this node processes from now on.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { not_in_multi: true, ..Flags::DEFAULT };
}

impl Control for Monitor {
    fn run(_args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        session.monitors = true;
        node.client_registry().monitor(session.id, true);
        Ok(Reply::OK)
    }
}
