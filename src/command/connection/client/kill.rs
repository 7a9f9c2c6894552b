//! `CLIENT KILL address` and `CLIENT KILL filter value ..`: closes connections.

use super::list::{client_id, has_subscriptions};
use super::number;
use crate::command::{Args, Effects, KillFilter, Node, Outcome, Session};
use crate::error::CommandError;
use crate::resp::Reply;

pub fn run(args: &mut Args<'_>, session: &Session, node: &dyn Node) -> Result<Outcome, CommandError> {
    if args.left() == 1 {
        return by_address(args, session, node);
    }
    let mut filter = KillFilter { excluded: Some(session.id), ..KillFilter::default() };
    let mut matches_none = false;
    while args.left() >= 2 {
        let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        let (name, value) = (args.word()?.to_ascii_uppercase(), args.word()?);
        match &name[..] {
            b"ID" => {
                let id = client_id(value);
                filter.id =
                    Some(id.map_err(|_| CommandError::fixed("ERR client-id should be greater than 0"))?);
            }
            b"ADDR" => filter.address = Some(text(value)),
            b"LADDR" => filter.local_address = Some(text(value)),
            b"USER" if node.user(value).is_some() => filter.user = Some(value.clone()),
            b"USER" => return Err(CommandError::new(format!("ERR No such user '{}'", text(value)))),
            b"TYPE" => match has_subscriptions(value)? {
                Some(subscribed) => filter.subscribed = Some(subscribed),
                None => matches_none = true,
            },
            b"MAXAGE" => filter.age_seconds_min = Some(client_age(value)?),
            b"SKIPME" if value.eq_ignore_ascii_case(b"yes") => filter.excluded = Some(session.id),
            b"SKIPME" if value.eq_ignore_ascii_case(b"no") => filter.excluded = None,
            _ => return Err(CommandError::SYNTAX),
        }
    }
    args.finish()?;
    if matches_none {
        return Ok(Reply::Integer(0).into());
    }
    let (own, others) = node.client_registry().kill(&filter, session.id);
    let reply = Reply::Integer(others as i64 + i64::from(own));
    Ok(Outcome::new(reply, Effects { close: own, ..Effects::default() }))
}

/// The older form of the command, `CLIENT KILL address`. It does not exclude the caller's own
/// connection.
fn by_address(args: &mut Args<'_>, session: &Session, node: &dyn Node) -> Result<Outcome, CommandError> {
    let address = String::from_utf8_lossy(args.word()?).into_owned();
    let filter = KillFilter { address: Some(address), ..KillFilter::default() };
    let (own, others) = node.client_registry().kill(&filter, session.id);
    match own || others > 0 {
        true => Ok(Outcome::new(Reply::OK, Effects { close: own, ..Effects::default() })),
        false => Err(CommandError::fixed("ERR No such client")),
    }
}

fn client_age(word: &[u8]) -> Result<u64, CommandError> {
    let age = number(word, "ERR maxage is not an integer or out of range")?;
    u64::try_from(age)
        .ok()
        .filter(|&age| age > 0)
        .ok_or(CommandError::fixed("ERR maxage should be greater than 0"))
}
