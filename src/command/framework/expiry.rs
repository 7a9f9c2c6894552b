//! When a key is gone: what `EX`, `PX`, `EXAT` and `PXAT` and the EXPIRE commands mean by their
//! numbers.
//!
//! "From now" is from the stamp of the entry, which the leader gives: whatever the clock of the
//! node that took the request, and however long the entry was on its way, the key lives as long as
//! was asked.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{Args, Context};
use crate::error::CommandError;
use crate::keyspace::ApplyContext;

/// What a number counts, and from when.
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

/// A moment as the log carries it, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// Unix time.
    At(i64),
    /// After the entry's stamp.
    After(i64),
}

impl Moment {
    /// The moment in unix milliseconds.
    pub fn unix_ms(self, context: ApplyContext) -> i64 {
        match self {
            Moment::At(moment) => moment,
            Moment::After(amount) => i64::try_from(context.now_ms).unwrap_or(i64::MAX).saturating_add(amount),
        }
    }

    /// The same as a deadline; one before 1970 is the earliest there is.
    pub fn deadline(self, context: ApplyContext) -> NonZeroU64 {
        u64::try_from(self.unix_ms(context)).ok().and_then(NonZeroU64::new).unwrap_or(NonZeroU64::MIN)
    }
}

impl Clock {
    /// The moment that is meant; `None` if it is too far away to be one.
    pub fn moment(self, amount: i64, context: &Context) -> Option<Moment> {
        let millis = match self {
            Clock::SecondsFromNow | Clock::UnixSeconds => amount.checked_mul(1000)?,
            Clock::MillisFromNow | Clock::UnixMillis => amount,
        };
        match self {
            Clock::UnixSeconds | Clock::UnixMillis => Some(Moment::At(millis)),
            Clock::SecondsFromNow | Clock::MillisFromNow => {
                // About now is enough to tell what is too far away.
                i64::try_from(context.now_ms).ok()?.checked_add(millis)?;
                Some(Moment::After(millis))
            }
        }
    }
}

/// Takes `EX seconds` and its siblings, if they come next.
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

/// The next word as a deadline; it has to be a number above 0.
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
