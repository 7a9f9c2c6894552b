//! Sorted sets: members with scores, in the order of the scores.
//!
//! [`bounds`] says which members a command means, by rank, by score or by name.
pub mod add;
mod bounds;
pub mod card;
pub mod count;
pub mod incrby;
pub mod pop;
pub mod range;
pub mod range_old;
pub mod rank;
pub mod rem;
pub mod remrange;
pub mod scan;
pub mod score;

use super::strings::incrbyfloat::{NOT_A_FLOAT, real};
use super::{Args, Group, KeySpec, Spec};
use crate::error::CommandError;

/// Infinity and its opposite have no sum.
const NOT_A_NUMBER: CommandError = CommandError::fixed("ERR resulting score is not a number (NaN)");

/// What the rows of this group have in common.
const fn spec(
    name: &'static str,
    arity: i32,
    since: &'static str,
    complexity: &'static str,
    summary: &'static str,
    syntax: &'static str,
) -> Spec {
    let (keys, group) = (KeySpec::FIRST, Group::SortedSet);
    Spec { name, aliases: &[], arity, keys, group, since, complexity, summary, syntax }
}

/// The next word as a score: any number but NaN, the infinities among them.
fn score(args: &mut Args<'_>) -> Result<f64, CommandError> {
    real(args.word()?).ok_or(NOT_A_FLOAT)
}
