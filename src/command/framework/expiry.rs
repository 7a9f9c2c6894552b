//! Parses deadlines in requests: the options `EX`, `PX`, `EXAT`, `PXAT` and the arguments of the
//! EXPIRE commands.
//!
//! A relative time counts from the stamp of the log entry, which the leader sets. The lifetime of a
//! key therefore does not depend on the clock of the node that received the request, or on the
//! delay until the entry was proposed.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{Args, Context};
use crate::error::CommandError;
use crate::keyspace::ApplyContext;

/// The unit of a time argument, and the moment from which it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// `EX`
    SecondsFromNow,
    /// `PX`
    MillisFromNow,
    /// `EXAT`
    UnixSeconds,
    /// `PXAT`
    UnixMillis,
}

/// A moment in milliseconds, in the form that the log carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// Unix time in milliseconds.
    At(i64),
    /// Milliseconds after the time of the entry.
    After(i64),
}

impl Moment {
    /// The moment in Unix milliseconds.
    pub fn unix_ms(self, context: ApplyContext) -> i64 {
        match self {
            Moment::At(moment) => moment,
            Moment::After(amount) => i64::try_from(context.now_ms).unwrap_or(i64::MAX).saturating_add(amount),
        }
    }

    /// The moment as a deadline; a time before 1970 becomes the earliest deadline.
    pub fn deadline(self, context: ApplyContext) -> NonZeroU64 {
        u64::try_from(self.unix_ms(context)).ok().and_then(NonZeroU64::new).unwrap_or(NonZeroU64::MIN)
    }
}

impl Clock {
    /// The moment that `amount` denotes; `None` if it is out of range.
    pub fn moment(self, amount: i64, context: &Context) -> Option<Moment> {
        let millis = match self {
            Clock::SecondsFromNow | Clock::UnixSeconds => amount.checked_mul(1000)?,
            Clock::MillisFromNow | Clock::UnixMillis => amount,
        };
        match self {
            Clock::UnixSeconds | Clock::UnixMillis => Some(Moment::At(millis)),
            Clock::SecondsFromNow | Clock::MillisFromNow => {
                // This node's estimate of the time is accurate enough to check the range.
                i64::try_from(context.now_ms).ok()?.checked_add(millis)?;
                Some(Moment::After(millis))
            }
        }
    }
}

/// Parses `EX seconds`, or one of the other three options, if it comes next.
pub fn deadline_if_any(args: &mut Args<'_>, context: &Context) -> Result<Option<Moment>, CommandError> {
    let clocks = [
        ("EX", Clock::SecondsFromNow),
        ("PX", Clock::MillisFromNow),
        ("EXAT", Clock::UnixSeconds),
        ("PXAT", Clock::UnixMillis),
    ];
    match clocks.into_iter().find(|(word, _)| args.keyword(word)) {
        Some((_, clock)) => deadline(args, clock, context).map(Some),
        None => Ok(None),
    }
}

/// Parses the next word as a deadline. It must be a positive number.
pub fn deadline(args: &mut Args<'_>, clock: Clock, context: &Context) -> Result<Moment, CommandError> {
    if args.is_empty() {
        return Err(CommandError::SYNTAX);
    }
    let amount = args.integer()?;
    let moment = (amount > 0).then(|| clock.moment(amount, context)).flatten();
    moment.ok_or_else(|| invalid(args.command()))
}

pub fn invalid(command: &str) -> CommandError {
    CommandError::new(format!("ERR invalid expire time in '{}' command", command.to_ascii_lowercase()))
}
