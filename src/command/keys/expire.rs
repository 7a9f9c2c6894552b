//! Writes of the deadlines of keys.
//!
//! * `EXPIRE`, `PEXPIRE`, `EXPIREAT`, `PEXPIREAT key time [NX | XX | GT | LT]`: sets the deadline
//!   of a key, or removes the key if the time has passed. Returns whether it did either.
//! * `PERSIST key`: removes the deadline of a key and returns whether there was one.

use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

use crate::command::framework::expiry::{Clock, Moment, invalid};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

/// The common canonical form of the four commands that set a deadline.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Deadline {
    key: Key,
    /// The deadline. If it has passed when the command is applied, the key is removed.
    moment: Moment,
    condition: Condition,
}

/// The conditions on the present deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Condition {
    /// `NX`: the key has no deadline.
    missing: bool,
    /// `XX`: the key has a deadline.
    present: bool,
    /// `GT`: the new deadline is later than the present one. A key without a deadline counts as
    /// having the latest.
    later: bool,
    /// `LT`: the new deadline is earlier than the present one.
    earlier: bool,
}

macro_rules! expire_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $clock:ident, $syntax:literal, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Deadline);

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: -3,
                keys: KeySpec::FIRST.used(Usage::UPDATED),
                group: Group::Generic,
                since: $since,
                complexity: $complexity,
                summary: $summary,
                syntax: $syntax,
            };
            const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
        }

        impl Write for $name {
            fn parse(args: &mut Args<'_>, context: &Context) -> Result<$name, CommandError> {
                Deadline::parse(args, Clock::$clock, context).map($name)
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                Ok(Reply::Integer(i64::from(self.0.apply(keyspace))))
            }
        }
    )* };
}

expire_commands! {
    Expire, "EXPIRE", "1.0.0", "O(1)", SecondsFromNow, "key seconds [NX | XX | GT | LT]",
        "Makes a key expire after a number of seconds.";
    Pexpire, "PEXPIRE", "2.6.0", "O(1)", MillisFromNow, "key milliseconds [NX | XX | GT | LT]",
        "Makes a key expire after a number of milliseconds.";
    Expireat, "EXPIREAT", "1.2.0", "O(1)", UnixSeconds, "key unix-time-seconds [NX | XX | GT | LT]",
        "Makes a key expire at a Unix time in seconds.";
    Pexpireat, "PEXPIREAT", "2.6.0", "O(1)", UnixMillis, "key unix-time-milliseconds [NX | XX | GT | LT]",
        "Makes a key expire at a Unix time in milliseconds.";
}

impl Deadline {
    fn parse(args: &mut Args<'_>, clock: Clock, context: &Context) -> Result<Deadline, CommandError> {
        let key = args.key()?;
        let amount = args.integer()?;
        let condition = Condition::parse(args)?;
        let moment = clock.moment(amount, context).ok_or_else(|| invalid(args.command()))?;
        Ok(Deadline { key, moment, condition })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> bool {
        let key = self.key.as_bytes();
        let Some(before) = keyspace.with(key, |entry| entry.expires_ms) else { return false };
        let moment_ms = self.moment.unix_ms(keyspace.context());
        if !self.condition.allows(before, moment_ms) {
            return false;
        }
        let moment = u64::try_from(moment_ms).ok().and_then(NonZeroU64::new);
        match moment.filter(|moment| moment.get() > keyspace.context().now_ms) {
            Some(moment) => keyspace.set_deadline(key, Some(moment)),
            None => keyspace.remove(key),
        }
    }
}

impl Condition {
    fn parse(args: &mut Args<'_>) -> Result<Condition, CommandError> {
        let mut condition = Condition::default();
        while !args.is_empty() {
            if args.keyword("NX") {
                condition.missing = true;
            } else if args.keyword("XX") {
                condition.present = true;
            } else if args.keyword("GT") {
                condition.later = true;
            } else if args.keyword("LT") {
                condition.earlier = true;
            } else {
                let word = String::from_utf8_lossy(args.word()?).into_owned();
                return Err(CommandError::new(format!("ERR Unsupported option {word}")));
            }
        }
        if condition.missing && (condition.present || condition.later || condition.earlier) {
            return Err(CommandError::fixed(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if condition.later && condition.earlier {
            return Err(CommandError::fixed("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(condition)
    }

    fn allows(self, before: Option<NonZeroU64>, moment_ms: i64) -> bool {
        let before_ms = before.map_or(i64::MAX, |before| i64::try_from(before.get()).unwrap_or(i64::MAX));
        !(self.missing && before.is_some()
            || self.present && before.is_none()
            || self.later && (before.is_none() || moment_ms <= before_ms)
            || self.earlier && moment_ms >= before_ms)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Persist {
    key: Key,
}

impl Command for Persist {
    const SPEC: Spec = Spec {
        name: "PERSIST",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST.used(Usage::UPDATED),
        group: Group::Generic,
        since: "2.2.0",
        complexity: "O(1)",
        summary: "Removes the deadline of a key.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Persist {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Persist, CommandError> {
        Ok(Persist { key: args.key()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let key = self.key.as_bytes();
        let temporary = keyspace.with(key, |entry| entry.expires_ms.is_some()) == Some(true);
        Ok(Reply::Integer(i64::from(temporary && keyspace.set_deadline(key, None))))
    }
}
