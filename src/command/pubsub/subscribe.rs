//! `SUBSCRIBE channel ..`, `PSUBSCRIBE pattern ..`, `SSUBSCRIBE channel ..`: has this connection told of messages.

use super::told;
use crate::command::{Args, Channel, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::Answer;
use crate::resp::Reply;

macro_rules! commands {
    ($($name:ident, $word:literal, $small:literal, $kind:ident, $syntax:literal;)*) => { $(
        pub struct $name;

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: -2,
                keys: KeySpec::NONE,
                group: Group::PubSub,
                since: "0.1.0",
                summary: "Has this connection told of messages.",
                syntax: $syntax,
            };
            const FLAGS: Flags = Flags { while_subscribed: true, not_in_multi: true, ..Flags::NONE };
        }

        impl Control for $name {
            fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, Answer> {
                let names = args.rest();
                let counts = node.switchboard().subscribe(session.id, Channel::$kind, names)?;
                session.subscribed = counts.last().copied().unwrap_or(session.subscribed);
                let each = names.iter().zip(counts);
                let each = each.map(|(name, counts)| told($small, Some(name), counts, Channel::$kind));
                Ok(Reply::Several(each.collect()))
            }
        }
    )* };
}

commands! {
    Subscribe, "SUBSCRIBE", "subscribe", Plain, "channel [channel ...]";
    Psubscribe, "PSUBSCRIBE", "psubscribe", Pattern, "pattern [pattern ...]";
    Ssubscribe, "SSUBSCRIBE", "ssubscribe", Shard, "channel [channel ...]";
}
