//! `QSET key path json`: puts a value at a path, as JSON.SET does.

use serde::{Deserialize, Serialize};

use crate::command::json::set::Set;
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::Writer;
use crate::resp::Reply;

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
        complexity: "O(M+N) with M the size of the document and N that of the value",
        summary: "Puts a value at a path.",
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
