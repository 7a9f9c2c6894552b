//! `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`: the fields of a hash, some at a time.

use super::spec;
use crate::command::framework::bulks::bulks;
use crate::command::framework::element_scan::ElementScan;
use crate::command::{Args, Command, Context, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Element, Hash, View};
use crate::resp::Reply;

pub struct Hscan(ElementScan);

impl Command for Hscan {
    const SPEC: Spec = spec(
        "HSCAN",
        -3,
        "2.8.0",
        "O(1) for a call, O(N) for a whole walk with N the elements",
        "The fields of a hash, some at a time.",
        "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    );
}

impl Read for Hscan {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hscan, CommandError> {
        ElementScan::parse(args).map(Hscan)
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let scan = self.0;
        let found = keyspace.with_collection(scan.key.as_bytes(), |hash: &Hash| {
            let (positions, next) = hash.walk(scan.cursor, scan.count);
            let mut wanted: Vec<&Element> = Vec::new();
            for (field, value) in positions.into_iter().filter_map(|position| hash.at(position)) {
                if scan.wants(field)? {
                    wanted.push(field);
                    wanted.extend((!scan.without_values).then_some(value));
                }
            }
            Ok::<_, CommandError>((bulks(wanted.into_iter())?, next))
        })?;
        let (pairs, next) = found.unwrap_or(Ok((Vec::new(), 0)))?;
        Ok(Reply::Array(vec![Reply::bulk(next.to_string()), Reply::Array(pairs)]))
    }
}
