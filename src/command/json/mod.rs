//! The JSON commands of RedisJSON, and some additions.
//!
//! * [`target`] holds paths as the log carries them, and finds and edits their matches; `create`
//!   adds members that a path names and that do not exist.
//! * [`reply`] turns matches into replies, and holds the errors that clients of RedisJSON rely on.
//! * The other files have the commands: reads in `get`, `measure` and `inspect`, writes in the
//!   rest.
//!
//! Invariants:
//! * for RedisJSON's commands, replies, error texts and the order of edits are those of RedisJSON,
//!   except for the divergences that `tests/conformance/` lists;
//! * a command that fails has changed nothing, even if some matches could have been edited;
//! * fuel limits the evaluation of paths, and a budget limits the size of a reply.

pub mod arithmetic;
pub mod array;
mod create;
pub mod get;
pub mod inspect;
pub mod measure;
pub mod merge;
pub mod mset;
pub mod patch;
pub mod remove;
mod reply;
pub mod scalar;
pub mod set;
mod target;
