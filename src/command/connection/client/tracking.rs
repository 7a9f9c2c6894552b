//! `CLIENT TRACKING`, `TRACKINGINFO`, `CACHING` and `GETREDIR`: configure the invalidations for
//! caching clients.

use bytes::Bytes;

use crate::command::{Args, Effects, Node, Outcome, Session, Tracking};
use crate::error::CommandError;
use crate::resp::Reply;

/// The error for NOLOOP. A log entry does not record which connection its commands came from, so a
/// client's own changes cannot be excluded.
const NO_LOOP: CommandError = CommandError::fixed(
    "ERR NOLOOP is not supported: a client also receives invalidations of its own changes",
);

/// Maximum number of prefixes per client, because each changed key is compared with all of them.
pub(in crate::command) const PREFIXES_MAX: usize = 256;

/// `CLIENT TRACKING ON|OFF [REDIRECT id] [PREFIX prefix ..] [BCAST] [OPTIN] [OPTOUT]`.
pub fn set(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
    let on = match &args.word()?.to_ascii_lowercase()[..] {
        b"on" => true,
        b"off" => false,
        _ => return Err(CommandError::SYNTAX),
    };
    let tracking = options(args, session, node)?;
    if on {
        check(&tracking, session.tracking.as_ref())?;
    }
    session.tracking = on.then_some(tracking);
    session.caching = None;
    node.client_registry().track(session.id, session.tracking.as_ref());
    Ok(Reply::OK)
}

fn options(args: &mut Args<'_>, session: &Session, node: &dyn Node) -> Result<Tracking, CommandError> {
    let before = session.tracking.as_ref();
    // New prefixes are added to the client's present ones.
    let prefixes = before.map(|before| before.prefixes.clone()).unwrap_or_default();
    let mut tracking = Tracking { prefixes, ..Tracking::default() };
    while !args.is_empty() {
        if args.left() >= 2 && args.keyword("REDIRECT") {
            if tracking.redirect.is_some() {
                return Err(CommandError::fixed("ERR A client can only redirect to a single other client"));
            }
            let id = args.integer()? as u64;
            if !node.client_registry().is_connected(id) {
                let missing = "ERR The client ID you want redirect to does not exist";
                return Err(CommandError::fixed(missing));
            }
            tracking.redirect = Some(id).filter(|&id| id != session.id);
        } else if args.left() >= 2 && args.keyword("PREFIX") {
            if tracking.prefixes.len() == PREFIXES_MAX {
                return Err(CommandError::new(format!(
                    "ERR a client can have at most {PREFIXES_MAX} prefixes"
                )));
            }
            tracking.prefixes.push(Bytes::copy_from_slice(args.word()?));
        } else if args.keyword("BCAST") {
            tracking.broadcast = true;
        } else if args.keyword("OPTIN") {
            tracking.opt_in = true;
        } else if args.keyword("OPTOUT") {
            tracking.opt_out = true;
        } else if args.keyword("NOLOOP") {
            return Err(NO_LOOP);
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(tracking)
}

fn check(tracking: &Tracking, before: Option<&Tracking>) -> Result<(), CommandError> {
    let refused = |line: &'static str| Err(CommandError::fixed(line));
    if before.is_some_and(|before| before.broadcast != tracking.broadcast) {
        return refused(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
        );
    }
    if !tracking.prefixes.is_empty() && !tracking.broadcast {
        return refused("ERR PREFIX option requires BCAST mode to be enabled");
    }
    if tracking.broadcast && (tracking.opt_in || tracking.opt_out) {
        return refused("ERR OPTIN and OPTOUT are not compatible with BCAST");
    }
    if tracking.opt_in && tracking.opt_out {
        return refused("ERR You can't specify both OPTIN mode and OPTOUT mode");
    }
    let switched = |before: &Tracking| before.opt_in && tracking.opt_out || before.opt_out && tracking.opt_in;
    if before.is_some_and(switched) {
        return refused(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
        );
    }
    check_prefixes(&tracking.prefixes, before.map_or(0, |before| before.prefixes.len()))
}

/// Checks that no prefix begins with another one. The first `known` prefixes are the client's
/// present ones.
fn check_prefixes(prefixes: &[Bytes], known: usize) -> Result<(), CommandError> {
    let (existing, provided) = prefixes.split_at(known.min(prefixes.len()));
    let overlaps = |one: &Bytes, other: &Bytes| other.starts_with(one) || one.starts_with(other);
    let refused = |one: &[u8], which: &str, other: &[u8]| {
        let [one, other] = [one, other].map(String::from_utf8_lossy);
        Err(CommandError::new(format!(
            "ERR Prefix '{one}' overlaps with {which} prefix '{other}'. Prefixes for a single client must not overlap."
        )))
    };
    for (at, prefix) in provided.iter().enumerate() {
        if let Some(other) = existing.iter().find(|other| overlaps(prefix, other)) {
            return refused(prefix, "an existing", other);
        }
        if let Some(other) = provided[at + 1..].iter().find(|other| overlaps(prefix, other)) {
            return refused(prefix, "another provided", other);
        }
    }
    Ok(())
}

/// `CLIENT CACHING YES|NO`: whether the keys of the next command are tracked.
pub fn caching(args: &mut Args<'_>, session: &mut Session) -> Result<Outcome, CommandError> {
    let Some(tracking) = &session.tracking else {
        return Err(CommandError::fixed(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        ));
    };
    let wanted = match &args.word()?.to_ascii_lowercase()[..] {
        b"yes" if tracking.opt_in => true,
        b"yes" => {
            return Err(CommandError::fixed(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
        b"no" if tracking.opt_out => false,
        b"no" => {
            return Err(CommandError::fixed(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
        _ => return Err(CommandError::SYNTAX),
    };
    session.caching = Some(wanted);
    Ok(Outcome::new(Reply::OK, Effects { keep_caching: true, ..Effects::default() }))
}

/// `CLIENT GETREDIR`: reports the client to which invalidations are redirected; 0 without a
/// redirection, -1 without tracking.
pub fn redirect(session: &Session) -> Reply {
    Reply::Integer(match &session.tracking {
        Some(tracking) => tracking.redirect.map_or(0, |id| id as i64),
        None => -1,
    })
}

/// Whether the client to which invalidations are redirected has disconnected.
pub fn is_broken(session: &Session, node: &dyn Node) -> bool {
    let redirect = session.tracking.as_ref().and_then(|tracking| tracking.redirect);
    redirect.is_some_and(|id| !node.client_registry().is_connected(id))
}

/// `CLIENT TRACKINGINFO`: reports the state of tracking.
pub fn info(session: &Session, node: &dyn Node) -> Reply {
    let tracking = session.tracking.as_ref();
    let is = |property: fn(&Tracking) -> bool| tracking.is_some_and(property);
    let flags = [
        ("off", tracking.is_none()),
        ("on", tracking.is_some()),
        ("bcast", is(|tracking| tracking.broadcast)),
        ("optin", is(|tracking| tracking.opt_in)),
        ("optout", is(|tracking| tracking.opt_out)),
        ("caching-yes", session.caching == Some(true)),
        ("caching-no", session.caching == Some(false)),
        ("broken_redirect", is_broken(session, node)),
    ];
    let flags = flags.iter().filter(|(_, set)| *set).map(|(flag, _)| Reply::word(flag)).collect();
    let prefixes = match tracking.map(|tracking| (tracking.broadcast, &tracking.prefixes[..])) {
        // Without prefixes, BCAST tracks all keys, which Redis reports as the empty prefix.
        Some((true, [])) => vec![Reply::bulk("")],
        Some((_, prefixes)) => prefixes.iter().cloned().map(Reply::Bulk).collect(),
        None => Vec::new(),
    };
    Reply::Map(vec![
        (Reply::word("flags"), Reply::Set(flags)),
        (Reply::word("redirect"), redirect(session)),
        (Reply::word("prefixes"), Reply::Array(prefixes)),
    ])
}
