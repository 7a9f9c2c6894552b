//! Sets: members, each once, in the order in which they came.
pub mod add;
pub mod card;
pub mod combine;
pub mod is_member;
pub mod members;
pub mod move_one;
pub mod pop;
pub mod random;
pub mod rem;
pub mod scan;

use super::{Group, KeySpec, Spec};

/// What the rows of this group have in common.
const fn spec(
    name: &'static str,
    arity: i32,
    since: &'static str,
    complexity: &'static str,
    summary: &'static str,
    syntax: &'static str,
) -> Spec {
    let (keys, group) = (KeySpec::FIRST, Group::Set);
    Spec { name, aliases: &[], arity, keys, group, since, complexity, summary, syntax }
}
