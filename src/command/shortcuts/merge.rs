//! `MERGE key json`: a merge patch (RFC 7396) for a whole document, as JSON.MERGE does at `$`.

use serde::{Deserialize, Serialize};

use crate::command::json::merge::Merge as JsonMerge;
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::Writer;
use crate::resp::Reply;

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
        complexity: "O(M+N) with M the size of the document and N that of the value",
        summary: "Merges a value into a document, as RFC 7396 has it.",
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
