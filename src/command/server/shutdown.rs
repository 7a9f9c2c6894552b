//! `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE]` and `SHUTDOWN ABORT`: stops the node as SIGTERM does.
//!
//! Every acknowledged write is on disk before it is answered, so there is nothing to save and nothing to lose: the
//! words are checked, and mean nothing more.

use crate::command::{Args, Command, Effects, Flags, Group, KeySpec, Manage, Node, Outcome, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Shutdown;

impl Command for Shutdown {
    const SPEC: Spec = Spec {
        name: "SHUTDOWN",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Stops the node cleanly: leadership is handed over, and every client gets the replies that it waits for.",
        syntax: "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    };
    const FLAGS: Flags = Flags { not_in_multi: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Manage for Shutdown {
    /// There is no reply where it succeeds: the connection is closed, and clients take that for the answer.
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Outcome, CommandError> {
        let (mut save, mut no_save, mut abort, mut other) = (false, false, false, false);
        while !args.is_empty() {
            if args.keyword("SAVE") {
                save = true;
            } else if args.keyword("NOSAVE") {
                no_save = true;
            } else if args.keyword("ABORT") {
                abort = true;
            } else if args.keyword("NOW") || args.keyword("FORCE") {
                other = true;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        if save && no_save || abort && (save || no_save || other) {
            return Err(CommandError::SYNTAX);
        }
        if abort {
            return Err(CommandError::fixed(match node.is_stopping() {
                true => "ERR the node is stopping, which is not taken back",
                false => "ERR No shutdown in progress.",
            }));
        }
        node.begin_stop()?;
        Ok(Outcome::new(Reply::OK, Effects { close: true, no_reply: true, ..Effects::default() }))
    }
}
