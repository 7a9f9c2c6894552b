//! `PUBSUB CHANNELS|NUMSUB|NUMPAT|SHARDCHANNELS|SHARDNUMSUB`: who listens to what at this node.

use crate::command::{Args, Channel, Command, Control, Group, KeySpec, Node, Session, Spec, subcommands};
use crate::error::Answer;
use crate::resp::Reply;

pub struct Pubsub;

impl Command for Pubsub {
    const SPEC: Spec = Spec {
        name: "PUBSUB",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::PubSub,
        since: "0.1.0",
        summary: "Who listens to what at this node.",
        syntax: "(CHANNELS [pattern] | NUMSUB [channel ...] | NUMPAT | SHARDCHANNELS [pattern] | SHARDNUMSUB [channel ...] | HELP)",
    };
}

impl Control for Pubsub {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, Answer> {
        let word = args.word()?;
        match &word.to_ascii_uppercase()[..] {
            b"CHANNELS" if args.left() <= 1 => channels(args, node, Channel::Plain),
            b"SHARDCHANNELS" if args.left() <= 1 => channels(args, node, Channel::Shard),
            b"NUMSUB" => Ok(listeners(args, node, Channel::Plain)),
            b"SHARDNUMSUB" => Ok(listeners(args, node, Channel::Shard)),
            b"NUMPAT" if args.is_empty() => {
                let patterns = node.switchboard().channels(Channel::Pattern, None)?;
                Ok(Reply::Integer(patterns.len() as i64))
            }
            b"HELP" if args.is_empty() => Ok(subcommands::help(&Self::SPEC)),
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

fn channels(args: &mut Args<'_>, node: &dyn Node, kind: Channel) -> Result<Reply, Answer> {
    let names = node.switchboard().channels(kind, args.word_if_any().map(|pattern| &pattern[..]))?;
    Ok(Reply::Array(names.into_iter().map(Reply::Bulk).collect()))
}

fn listeners(args: &mut Args<'_>, node: &dyn Node, kind: Channel) -> Reply {
    let mut replies = Vec::new();
    for name in args.rest() {
        replies.push(Reply::Bulk(name.clone()));
        replies.push(Reply::Integer(node.switchboard().listeners(kind, name) as i64));
    }
    Reply::Array(replies)
}
