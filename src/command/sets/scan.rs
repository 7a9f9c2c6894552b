//! `SSCAN key cursor [MATCH pattern] [COUNT count]`: the members of a set, some at a time.

use super::spec;
use crate::command::framework::bulks::bulks;
use crate::command::framework::element_scan::ElementScan;
use crate::command::{Args, Command, Context, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Element, Set, View};
use crate::resp::Reply;

pub struct Sscan(ElementScan);

impl Command for Sscan {
    const SPEC: Spec = spec(
        "SSCAN",
        -3,
        "2.8.0",
        "O(1) for a call, O(N) for a whole walk with N the elements",
        "The members of a set, some at a time.",
        "key cursor [MATCH pattern] [COUNT count]",
    );
}

impl Read for Sscan {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Sscan, CommandError> {
        ElementScan::parse(args).map(Sscan)
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let scan = self.0;
        let found = keyspace.with_collection(scan.key.as_bytes(), |set: &Set| {
            let (positions, next) = set.walk(scan.cursor, scan.count);
            let mut wanted: Vec<&Element> = Vec::new();
            for member in positions.into_iter().filter_map(|position| set.at(position)) {
                if scan.wants(member)? {
                    wanted.push(member);
                }
            }
            Ok::<_, CommandError>((bulks(wanted.into_iter())?, next))
        })?;
        let (members, next) = found.unwrap_or(Ok((Vec::new(), 0)))?;
        Ok(Reply::Array(vec![Reply::bulk(next.to_string()), Reply::Array(members)]))
    }
}
