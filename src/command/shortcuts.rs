//! Short names for common operations on documents: DELETE, MERGE, QGET and QSET.
//!
//! * `QGET key path`: returns the values at a path, like JSON.GET.
//! * `QSET key path json`: sets a value at a path, like JSON.SET.
//! * `MERGE key json`: applies a merge patch (RFC 7396) to a whole document, like JSON.MERGE at
//!   `$`.
//! * `DELETE key`: removes a key of any type; returns 1 if the key existed, otherwise 0.

use serde::{Deserialize, Serialize};

use crate::command::json::get::Get;
use crate::command::json::merge::Merge as JsonMerge;
use crate::command::json::set::Set;
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Read, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, View, Writer};
use crate::resp::Reply;

pub struct Qget(Get);

impl Command for Qget {
    const SPEC: Spec = Spec {
        name: "QGET",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(N), N: size of the document",
        summary: "Reads the values at the path as JSON text.",
        syntax: "key path",
    };
}

impl Read for Qget {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Qget, CommandError> {
        Get::one(args.word()?, args.word()?).map(Qget)
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        self.0.run(keyspace)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Qset(Set);

impl Command for Qset {
    const SPEC: Spec = Spec {
        name: "QSET",
        aliases: &[],
        arity: 4,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(M+N), M: size of the document, N: size of the value",
        summary: "Writes a value at the path of a document.",
        syntax: "key path json",
    };
}

impl Write for Qset {
    const EVENT: &'static str = "JSON.SET";

    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Qset, CommandError> {
        Set::parse(args, context).map(Qset)
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        self.0.apply(keyspace)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Merge(JsonMerge);

impl Command for Merge {
    const SPEC: Spec = Spec {
        name: "MERGE",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(M+N), M: size of the document, N: size of the value",
        summary: "Applies a JSON Merge Patch (RFC 7396) to a document.",
        syntax: "key json",
    };
}

impl Write for Merge {
    const EVENT: &'static str = "JSON.MERGE";

    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Merge, CommandError> {
        JsonMerge::new(args.key()?, b"$", args.word()?, context).map(Merge)
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        self.0.apply(keyspace)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Delete {
    key: Key,
}

impl Command for Delete {
    const SPEC: Spec = Spec {
        name: "DELETE",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(N), N: size of the document",
        summary: "Removes a key with its value.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Delete {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Delete, CommandError> {
        Ok(Delete { key: args.key()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        Ok(Reply::Integer(i64::from(keyspace.remove(self.key.as_bytes()))))
    }
}
