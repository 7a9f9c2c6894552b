//! Whether a request may run on its connection now; asked before anything of it is done.

use super::transactions::{Step, TransactionQueue};
use super::{Route, Row, Session};
use crate::error::Answer;
use crate::resp::Request;

/// Takes a request for the command of `row`, or refuses it; then a transaction that is being queued is spoiled, and ended
/// if it was its EXEC that was refused.
///
/// # Errors
/// The answer for the client, in the words of Redis.
pub fn admit(
    row: &Row,
    request: &Request,
    session: &Session,
    queue: &mut TransactionQueue,
) -> Result<(), Answer> {
    let Err(answer) = check(row, request, session, queue) else { return Ok(()) };
    if matches!(row.route, Route::Transact { step: Step::Exec }) {
        return Err(queue.abort(&answer));
    }
    queue.spoil();
    Err(answer)
}

fn check(row: &Row, request: &Request, session: &Session, queue: &TransactionQueue) -> Result<(), Answer> {
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
