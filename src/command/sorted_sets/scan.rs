//! `ZSCAN key cursor [MATCH pattern] [COUNT count]`: the members of a sorted set with their scores, some at a time.

use super::spec;
use crate::command::framework::bulks::scored;
use crate::command::framework::element_scan::ElementScan;
use crate::command::{Args, Command, Context, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Element, SortedSet, View};
use crate::resp::{Reply, write_double};

pub struct Zscan(ElementScan);

impl Command for Zscan {
    const SPEC: Spec = spec(
        "ZSCAN",
        -3,
        "2.8.0",
        "O(1) for a call, O(N) for a whole walk with N the elements",
        "The members of a sorted set with their scores, some at a time.",
        "key cursor [MATCH pattern] [COUNT count]",
    );
}

impl Read for Zscan {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Zscan, CommandError> {
        ElementScan::parse(args).map(Zscan)
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let scan = self.0;
        let found = keyspace.with_collection(scan.key.as_bytes(), |set: &SortedSet| {
            let (positions, next) = set.walk(scan.cursor, scan.count);
            let seen: Vec<(&Element, f64)> = match scan.cursor == 0 && next == 0 {
                // The whole of a small one comes in its order, as from the compact encoding of Redis.
                true => set.forward(0).collect(),
                false => positions.into_iter().filter_map(|position| set.member(position)).collect(),
            };
            let mut wanted = Vec::new();
            for (member, score) in seen {
                if scan.wants(member)? {
                    wanted.push((member, score));
                }
            }
            Ok::<_, CommandError>((scored(wanted.into_iter(), false)?, next))
        })?;
        let (pairs, next) = found.unwrap_or(Ok((Vec::new(), 0)))?;
        // A scan answers texts alone, in both versions of the protocol.
        let text = |reply: Reply| match reply {
            Reply::Double(score) => {
                let mut text = String::new();
                write_double(score, &mut text);
                Reply::bulk(text)
            }
            other => other,
        };
        let pairs = pairs.into_iter().map(text).collect();
        Ok(Reply::Array(vec![Reply::bulk(next.to_string()), Reply::Array(pairs)]))
    }
}
