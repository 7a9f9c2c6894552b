//! `SET key value [NX | XX] [GET] [EX .. | PX .. | EXAT .. | PXAT .. | KEEPTTL]`: puts a string under a key.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::with_text;
use crate::command::framework::expiry::{Moment, deadline_if_any};
use crate::command::json::set::Condition;
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Set {
    key: Key,
    value: Box<[u8]>,
    condition: Condition,
    deadline: Option<Moment>,
    keep_deadline: bool,
    /// `GET`: the old value is the answer.
    answer_old: bool,
}

impl Command for Set {
    const SPEC: Spec = Spec {
        name: "SET",
        aliases: &[],
        arity: -3,
        keys: KeySpec::FIRST.used(Usage::VARIABLE),
        group: Group::String,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Puts a string under a key.",
        syntax: "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    };
}

impl Write for Set {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Set, CommandError> {
        let mut set = Set {
            key: args.key()?,
            value: args.word()?[..].into(),
            condition: Condition::Always,
            deadline: None,
            keep_deadline: false,
            answer_old: false,
        };
        while !args.is_empty() {
            let timed = set.keep_deadline || set.deadline.is_some();
            if set.condition == Condition::Always && args.keyword("NX") {
                set.condition = Condition::Missing;
            } else if set.condition == Condition::Always && args.keyword("XX") {
                set.condition = Condition::Present;
            } else if args.keyword("GET") {
                set.answer_old = true;
            } else if !timed && args.keyword("KEEPTTL") {
                set.keep_deadline = true;
            } else if timed {
                return Err(CommandError::SYNTAX);
            } else {
                set.deadline = Some(deadline_if_any(args, context)?.ok_or(CommandError::SYNTAX)?);
            }
        }
        Ok(set)
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let key = self.key.as_bytes();
        let mut reply = Reply::OK;
        if self.answer_old {
            let old = with_text(keyspace, key, Bytes::copy_from_slice)?;
            reply = old.map_or(Reply::Null, Reply::Bulk);
        }
        if !self.condition.allows(keyspace.exists(key)) {
            return Ok(if self.answer_old { reply } else { Reply::Null });
        }
        match self.keep_deadline {
            true => keyspace.put_keeping_deadline(self.key, Value::Text(self.value)),
            false => {
                let deadline = self.deadline.map(|moment| moment.deadline(keyspace.context()));
                keyspace.put(self.key, Value::Text(self.value), deadline);
            }
        }
        Ok(reply)
    }
}
