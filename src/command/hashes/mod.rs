//! Hashes: fields with values, in the order in which the fields came.
pub mod all;
pub mod count;
pub mod del;
pub mod get;
pub mod incrby;
pub mod incrbyfloat;
pub mod mget;
pub mod random;
pub mod scan;
pub mod set;
pub mod setnx;

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
    let (keys, group) = (KeySpec::FIRST, Group::Hash);
    Spec { name, aliases: &[], arity, keys, group, since, complexity, summary, syntax }
}
