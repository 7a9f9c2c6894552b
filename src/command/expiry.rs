//! When a key is gone: what `EX`, `PX`, `EXAT` and `PXAT` and the EXPIRE commands mean by their numbers.

use std::num::NonZeroU64;

use super::{Args, Context};
use crate::error::Answer;

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

impl Clock {
    /// The moment in unix milliseconds; `None` if it is too far away to be one.
    pub fn moment_ms(self, amount: i64, context: &Context) -> Option<i64> {
        let now = i64::try_from(context.now_ms).ok()?;
        match self {
            Clock::SecondsFromNow => amount.checked_mul(1000)?.checked_add(now),
            Clock::MillisFromNow => amount.checked_add(now),
            Clock::UnixSeconds => amount.checked_mul(1000),
            Clock::UnixMillis => Some(amount),
        }
    }
}

/// Takes `EX seconds` and its siblings, if they come next: a deadline in unix milliseconds.
pub fn deadline_if_any(args: &mut Args<'_>, context: &Context) -> Result<Option<NonZeroU64>, Answer> {
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
pub fn deadline(args: &mut Args<'_>, clock: Clock, context: &Context) -> Result<NonZeroU64, Answer> {
    if args.is_empty() {
        return Err(Answer::SYNTAX);
    }
    let amount = args.integer()?;
    let moment = (amount > 0).then(|| clock.moment_ms(amount, context)).flatten();
    let moment = moment.and_then(|moment| u64::try_from(moment).ok()).and_then(NonZeroU64::new);
    moment.ok_or_else(|| invalid(args.command()))
}

pub fn invalid(command: &str) -> Answer {
    Answer::new(format!("ERR invalid expire time in '{}' command", command.to_ascii_lowercase()))
}
