//! Users and their rights, in the grammar of Redis' ACL rules.
//!
//! A [`Rule`] is one word of `ACL SETUSER`. A [`User`] is the result of a sequence of rules: its
//! passwords as SHA-256 digests, and its [`Permissions`], those of the user itself and those of
//! each selector. [`Users`] is the replicated set: the keyspace holds it beside the map, the log
//! changes it, and a snapshot contains it.
//!
//! Nothing here knows the command table. Names of commands and categories are kept as words, so
//! that a rule means the same to every version; `command::framework::rights` compiles them for the
//! table of this version, and refuses unknown names before they enter the log.
//!
//! Invariants:
//! * no password is kept or printed, only its digest;
//! * a failed sequence of rules changes nothing ([`Users::set`]);
//! * the description of a user, read as rules, gives an equal user.

mod permissions;
mod rule;
mod user;
mod users;

pub use permissions::{CommandRule, Commands, KeyPattern, Permissions};
pub use rule::{PatternUse, Rule, RuleError, digest_of, hex, merge_selectors};
pub use user::User;
pub use users::{DEFAULT_USER, Users};
