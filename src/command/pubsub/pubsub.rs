//! `PUBSUB CHANNELS|NUMSUB|NUMPAT|SHARDCHANNELS|SHARDNUMSUB`: the subscriptions of this node's
//! clients.

use crate::command::framework::subcommands;
use crate::command::{
    Args, Channel, Command, Control, Flags, Group, KeySpec, Node, Session, Spec, Subcommand,
};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Pubsub;

impl Command for Pubsub {
    const SPEC: Spec = Spec {
        name: "PUBSUB",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::PubSub,
        since: "2.8.0",
        complexity: "As that of the subcommand",
        summary: "A container for Pub/Sub commands about the clients of this node.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { without: &["noscript"], ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new("CHANNELS", "[pattern]", "2.8.0", "O(N) with N the channels with subscribers"),
        Subcommand::new("NUMSUB", "[channel ...]", "2.8.0", "O(N) with N the channels that are asked for"),
        Subcommand::new("NUMPAT", "", "2.8.0", "O(1)"),
        Subcommand::new("SHARDCHANNELS", "[pattern]", "7.0.0", "O(N) with N the channels with subscribers"),
        Subcommand::new(
            "SHARDNUMSUB",
            "[channel ...]",
            "7.0.0",
            "O(N) with N the channels that are asked for",
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
