//! Whether a request may run on its connection now; asked before anything of it is done.

use super::transactions::Queue;
use super::{Row, Session};
use crate::error::Answer;
use crate::resp::Request;

/// Why a request for the command of `row` is refused.
///
/// # Errors
/// The answer for the client, in the words of Redis.
pub fn admit(row: &Row, request: &Request, session: &Session, queue: &Queue) -> Result<(), Answer> {
    let name = || String::from_utf8_lossy(request.name());
    if !row.arity_fits(request.words().len()) {
        return Err(Answer::wrong_arity(&name()));
    }
    if session.only_listens() && !row.flags.while_subscribed {
        let name = name().to_ascii_lowercase();
        return Err(Answer::new(format!(
            "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
        )));
    }
    if queue.is_open() && row.flags.not_in_multi {
        return Err(Answer::fixed("ERR Command not allowed inside a transaction"));
    }
    Ok(())
}
