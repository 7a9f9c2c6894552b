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
                let mut replies = Vec::new();
                for name in args.rest() {
                    session.subscribed = node.switchboard().subscribe(session.id, Channel::$kind, name)?;
                    replies.push(told($small, Some(name), session.subscribed, Channel::$kind));
                }
                Ok(Reply::Several(replies))
            }
        }
    )* };
}

commands! {
    Subscribe, "SUBSCRIBE", "subscribe", Plain, "channel [channel ...]";
    Psubscribe, "PSUBSCRIBE", "psubscribe", Pattern, "pattern [pattern ...]";
    Ssubscribe, "SSUBSCRIBE", "ssubscribe", Shard, "channel [channel ...]";
}
