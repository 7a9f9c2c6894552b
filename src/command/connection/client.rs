//! `CLIENT subcommand ..`: names and lists connections.

use crate::command::{Args, Command, Control, Group, KeySpec, Node, ReadConsistency, Session, Spec};
use crate::error::Answer;
use crate::resp::{Protocol, Reply};

const NO_LEVEL: Answer = Answer::fixed("ERR the levels are linearizable, lease and local");

pub struct Client;

impl Command for Client {
    const SPEC: Spec = Spec {
        name: "CLIENT",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "0.1.0",
        summary: "Names this connection and lists all of them.",
        syntax: "(ID | INFO | LIST | GETNAME | SETNAME name | SETINFO attribute value | NO-EVICT mode | NO-TOUCH mode | READ-CONSISTENCY level)",
    };
}

impl Control for Client {
    fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, Answer> {
        let word = args.word()?;
        match &word.to_ascii_uppercase()[..] {
            b"ID" if args.is_empty() => Ok(Reply::Integer(session.id as i64)),
            b"GETNAME" if args.is_empty() && session.name.is_empty() => Ok(Reply::Null),
            b"GETNAME" if args.is_empty() => Ok(Reply::bulk(session.name.clone())),
            b"SETNAME" if args.left() == 1 => {
                session.name = check_name(args.word()?)?;
                Ok(Reply::OK)
            }
            b"SETINFO" if args.left() == 2 => set_info(args, session),
            b"INFO" if args.is_empty() => {
                Ok(Reply::Verbatim((line_of(session, node.now_ms()) + "\n").into()))
            }
            b"LIST" => {
                let lines = node.clients().into_iter().map(|client| line_of(&client, node.now_ms()) + "\n");
                Ok(Reply::Verbatim(lines.collect::<String>().into()))
            }
            b"READ-CONSISTENCY" if args.left() == 1 => {
                let level = ReadConsistency::named(args.word()?);
                session.read_consistency = Some(level.ok_or(NO_LEVEL)?);
                Ok(Reply::OK)
            }
            // Nothing is evicted by connection and no key keeps a time of last use, so both are as asked already.
            b"NO-EVICT" | b"NO-TOUCH" if args.left() == 1 => Ok(Reply::OK),
            _ => Err(unknown_subcommand("CLIENT", word)),
        }
    }
}

/// The error of a subcommand that is not known, or has the wrong number of words.
pub fn unknown_subcommand(command: &str, word: &[u8]) -> Answer {
    let word = String::from_utf8_lossy(&word[..word.len().min(128)]);
    Answer::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{word}'. Try {command} HELP."
    ))
}

/// A connection's name, which has to be printable and without spaces, so that lists stay readable by line.
pub fn check_name(name: &[u8]) -> Result<String, Answer> {
    match std::str::from_utf8(name) {
        Ok(name) if name.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) => Ok(name.to_string()),
        _ => Err(Answer::fixed("ERR Client names cannot contain spaces, newlines or special characters.")),
    }
}

fn set_info(args: &mut Args<'_>, session: &mut Session) -> Result<Reply, Answer> {
    let attribute = args.word()?.to_ascii_lowercase();
    let value = args.word()?;
    let field = match &attribute[..] {
        b"lib-name" => &mut session.library_name,
        b"lib-ver" => &mut session.library_version,
        _ => {
            let name = String::from_utf8_lossy(&attribute);
            return Err(Answer::new(format!("ERR Unrecognized option '{name}'")));
        }
    };
    let clean = check_name(value).map_err(|_| {
        let name = String::from_utf8_lossy(&attribute);
        Answer::new(format!("ERR {name} cannot contain spaces, newlines or special characters."))
    })?;
    *field = clean;
    Ok(Reply::OK)
}

/// One connection as `CLIENT LIST` and `CLIENT INFO` show it.
fn line_of(session: &Session, now_ms: u64) -> String {
    let age = now_ms.saturating_sub(session.connected_ms) / 1000;
    let proto = if session.protocol == Protocol::Resp3 { 3 } else { 2 };
    format!(
        "id={} addr={} laddr={} name={} age={age} db=0 resp={proto} cmd={} lib-name={} lib-ver={}",
        session.id,
        session.address,
        session.local_address,
        session.name,
        session.last_command,
        session.library_name,
        session.library_version,
    )
}
