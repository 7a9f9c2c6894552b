//! The limits of commands, transactions and replies, for `docs/limits.md`.

use super::connection::client::{self, tracking};
use super::framework::budget::REPLY_BYTES_MAX;
use super::json::{mset, patch};
use super::server::acl::change::{RULES_MAX, USERS_MAX};
use super::strings::TEXT_BYTES_MAX;
use super::transactions::queue;
use crate::limits::{Limit, limit};

pub const LIMITS: &[Limit] = &[
    limit!(
        TEXT_BYTES_MAX,
        Bytes,
        "A string",
        "`ERR string exceeds maximum allowed size (proto-max-bulk-len)`"
    ),
    limit!(
        REPLY_BYTES_MAX,
        Bytes,
        "A reply, over all keys and paths of its request",
        "`ERR the reply would be larger than 268435456 bytes`"
    ),
    limit!(
        patch::WALKED_BYTES_MAX,
        Bytes,
        "Document bytes that one JSON.PATCH processes",
        "`ERR the patch has too many operations for the size of the document`"
    ),
    limit!(
        mset::WALKED_BYTES_MAX,
        Bytes,
        "Document bytes that one JSON.MSET processes",
        "`ERR too many changes for the size of the documents`"
    ),
    limit!(USERS_MAX, Count, "Users", "`ERR there are 10000 users already`"),
    limit!(
        RULES_MAX,
        Count,
        "Rules of a user, and of one ACL SETUSER",
        "`ERR a user can have at most 10000 rules`"
    ),
    limit!(
        queue::COMMANDS_MAX,
        Count,
        "Commands of a transaction",
        "The command gets an error, and EXEC then does nothing."
    ),
    limit!(
        queue::BYTES_MAX,
        Bytes,
        "A transaction",
        "The command gets an error, and EXEC then does nothing."
    ),
    limit!(queue::WATCHED_MAX, Count, "Keys that a connection watches", "WATCH replies with an error."),
    limit!(queue::WATCHED_BYTES_MAX, Bytes, "Names of the watched keys", "WATCH replies with an error."),
    limit!(client::NAME_BYTES_MAX, Bytes, "A client's name", "CLIENT SETNAME replies with an error."),
    limit!(
        tracking::PREFIXES_MAX,
        Count,
        "Prefixes of a client with CLIENT TRACKING BCAST",
        "`ERR a client can have at most 256 prefixes`"
    ),
];
