//! `ACL`: users and their rights, and the categories of commands.
//!
//! The users are replicated: a change is an entry of the log ([`change`]), and the rules and
//! descriptions are those of [`crate::acl`]. Each node keeps its own log of refused requests
//! (`ACL LOG`).

pub mod change;
mod show;

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::acl::hex;
use crate::command::framework::rights::{EMPTY_CATEGORIES, Rights};
use crate::command::framework::subcommands;
use crate::command::{
    Args, Command, Flags, Group, KeySpec, Node, Operate, Row, Running, SECRET_BYTES, Session, Spec,
    Subcommand, Write, called, table,
};
use crate::error::CommandError;
use crate::resp::Reply;

use change::{DelUser, SetUser};

const NO_FILE: CommandError = CommandError::fixed(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.",
);
const BITS: CommandError = CommandError::fixed(
    "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
);
const BITS_MAX: i64 = 4096;
/// The bits of a password for which no number is given, as in Redis.
const BITS_DEFAULT: i64 = 256;
/// The records of `ACL LOG` for which no number is given, as in Redis.
const RECORDS_DEFAULT: usize = 10;

pub enum Acl {
    /// The name of the caller's user.
    WhoAmI(Bytes),
    List,
    Users,
    GetUser(Bytes),
    Cat(Option<Bytes>),
    SetUser(Vec<Bytes>),
    DelUser(Vec<Bytes>),
    DryRun(Bytes, Vec<Bytes>),
    /// The number of hex digits.
    GenPass(usize),
    Log(usize),
    ResetLog,
    SaveOrLoad,
    Help,
}

impl Command for Acl {
    const SPEC: Spec = Spec {
        name: "ACL",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "6.0.0",
        complexity: "That of the subcommand",
        summary: "Manages users and their rights.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { skip_monitor: true, ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new("WHOAMI", "", "6.0.0", "O(1)", "Reports the user of this connection.").not_admin(),
        Subcommand::new("LIST", "", "6.0.0", "O(N), N: users", "Shows each user as a line of ACL rules."),
        Subcommand::new("USERS", "", "6.0.0", "O(N), N: users", "Lists the names of the users."),
        Subcommand::new(
            "GETUSER",
            "username",
            "6.0.0",
            "O(N), N: rules of the user",
            "Shows the password digests and the rights of a user.",
        ),
        Subcommand::new(
            "SETUSER",
            "username [rule ...]",
            "6.0.0",
            "O(N), N: rules",
            "Creates a user, or changes one by further rules.",
        ),
        Subcommand::new(
            "DELUSER",
            "username [username ...]",
            "6.0.0",
            "O(1) for each user",
            "Removes users and closes their connections.",
        ),
        Subcommand::new(
            "CAT",
            "[category]",
            "6.0.0",
            "O(1)",
            "Lists the categories of commands, or the commands of one.",
        )
        .not_admin(),
        Subcommand::new(
            "DRYRUN",
            "username command [arg ...]",
            "7.0.0",
            "O(1)",
            "Checks whether a user may send a request, without running it.",
        ),
        Subcommand::new("GENPASS", "[bits]", "6.0.0", "O(1)", "Makes a random password.").not_admin(),
        Subcommand::new(
            "LOG",
            "[count | RESET]",
            "6.0.0",
            "O(N), N: records",
            "Shows the latest requests that this node refused, or forgets them.",
        ),
        Subcommand::new("SAVE", "", "6.0.0", "O(1)", "Reports that users are in the log and in no file."),
        Subcommand::new("LOAD", "", "6.0.0", "O(1)", "Reports that users are in the log and in no file."),
        Subcommand::help("6.0.0"),
    ];
}

impl Operate for Acl {
    fn parse(args: &mut Args<'_>) -> Result<Acl, CommandError> {
        let word = args.word()?;
        match (&word.to_ascii_uppercase()[..], args.left()) {
            (b"WHOAMI", 0) => Ok(Acl::WhoAmI(Bytes::new())),
            (b"USERS", 0) => Ok(Acl::Users),
            (b"LIST", 0) => Ok(Acl::List),
            (b"GETUSER", 1) => Ok(Acl::GetUser(args.word()?.clone())),
            (b"CAT", 0) => Ok(Acl::Cat(None)),
            (b"CAT", 1) => Ok(Acl::Cat(Some(args.word()?.clone()))),
            (b"SETUSER", 1..) => Ok(Acl::SetUser(args.rest().to_vec())),
            (b"DELUSER", 1..) => Ok(Acl::DelUser(args.rest().to_vec())),
            (b"DRYRUN", 2..) => Ok(Acl::DryRun(args.word()?.clone(), args.rest().to_vec())),
            (b"GENPASS", 0 | 1) => generated(args),
            (b"LOG", 0) => Ok(Acl::Log(RECORDS_DEFAULT)),
            (b"LOG", 1) if args.keyword("RESET") => Ok(Acl::ResetLog),
            (b"LOG", 1) => Ok(Acl::Log(usize::try_from(args.integer()?).unwrap_or(0))),
            (b"SAVE" | b"LOAD", 0) => Ok(Acl::SaveOrLoad),
            (b"HELP", 0) => Ok(Acl::Help),
            _ => Err(args.wrong_subcommand(word)),
        }
    }

    fn for_session(self, session: &Session) -> Acl {
        match self {
            Acl::WhoAmI(_) => Acl::WhoAmI(Bytes::copy_from_slice(session.user())),
            other => other,
        }
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        let reply = match self {
            Acl::SetUser(words) => return node.change_users(SetUser::CODE, words),
            Acl::DelUser(words) => return node.change_users(DelUser::CODE, words),
            Acl::List => return show::after_barrier(node, show::list),
            Acl::Users => return show::after_barrier(node, show::names),
            Acl::GetUser(name) => return show::after_barrier(node, move |node| Ok(show::user(node, &name))),
            Acl::DryRun(user, words) => {
                return show::after_barrier(node, move |node| dry_run(node, &user, &words));
            }
            Acl::WhoAmI(name) => Ok(Reply::Bulk(name)),
            Acl::Cat(None) => Ok(Reply::Array(every_category().into_iter().map(Reply::word).collect())),
            Acl::Cat(Some(category)) => commands_of(&category),
            Acl::GenPass(digits) => random_digits(node, digits).map(Reply::bulk),
            Acl::Log(count) => Ok(show::log(node, count)),
            Acl::ResetLog => {
                node.forget_refusals();
                Ok(Reply::OK)
            }
            Acl::SaveOrLoad => Err(NO_FILE),
            Acl::Help => Ok(subcommands::help::<Self>()),
        };
        Box::pin(async { reply })
    }
}

fn generated(args: &mut Args<'_>) -> Result<Acl, CommandError> {
    let bits = if args.is_empty() { BITS_DEFAULT } else { args.integer()? };
    match (1..=BITS_MAX).contains(&bits) {
        true => Ok(Acl::GenPass((bits as usize).div_ceil(4))),
        false => Err(BITS),
    }
}

fn random_digits(node: &dyn Node, digits: usize) -> Result<String, CommandError> {
    const _: () = assert!(2 * SECRET_BYTES as i64 >= BITS_MAX / 4, "the bytes suffice for every length");
    let failed = |reason| CommandError::new(format!("ERR the system has no random bytes: {reason}"));
    let mut text = hex(&node.secret().map_err(failed)?);
    text.truncate(digits);
    Ok(text)
}

/// Checks a request as if the user had sent it.
fn dry_run(node: &dyn Node, name: &[u8], words: &[Bytes]) -> Result<Reply, CommandError> {
    let shown = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let Some(user) = node.user(name) else {
        return Err(CommandError::new(format!("ERR User '{}' not found", shown(name))));
    };
    let Some(position) = table::position(&words[0]) else {
        return Err(CommandError::new(format!("ERR Command '{}' not found", shown(&words[0]))));
    };
    if table::ROWS[position].flags.no_auth {
        return Ok(Reply::OK);
    }
    if !table::ROWS[position].arity_fits(words.len()) {
        return Err(CommandError::wrong_arity(&shown(&words[0]).to_ascii_lowercase()));
    }
    Ok(match Rights::of(&user).check(position, words) {
        Ok(()) => Reply::OK,
        Err(denial) => {
            let command = &called::all()[called::place(position, words)].name;
            Reply::bulk(denial.text(name, command, true))
        }
    })
}

/// The categories that rules may name, without the `@`.
fn every_category() -> BTreeSet<&'static str> {
    categories().into_iter().chain(EMPTY_CATEGORIES.iter().copied()).collect()
}

/// The names of all categories that have commands, without the `@`.
fn categories() -> BTreeSet<&'static str> {
    let rows = table::ROWS.iter().flat_map(|row| {
        let inner = row.subcommands.iter().map(|one| one.alone(row));
        std::iter::once(*row).chain(inner)
    });
    rows.flat_map(|row| row.categories()).map(|category| category.trim_start_matches('@')).collect()
}

fn commands_of(category: &[u8]) -> Result<Reply, CommandError> {
    let category = String::from_utf8_lossy(&category[..category.len().min(128)]).to_lowercase();
    if !every_category().contains(category.as_str()) {
        return Err(CommandError::new(format!("ERR Unknown category '{category}'")));
    }
    let wanted = format!("@{category}");
    let is_wanted = |row: &Row| row.categories().contains(&wanted.as_str());
    let mut names = Vec::new();
    for (name, row) in table::ROWS.iter().flat_map(Row::names) {
        // Categories list the subcommands of a container, not the container itself.
        if !row.is_container() && is_wanted(&row) {
            names.push(name.to_ascii_lowercase());
        }
        let inner = row.subcommands.iter().filter(|one| row.has_subcommands() && is_wanted(&one.alone(&row)));
        names.extend(inner.map(|one| one.full_name(&row.spec)));
    }
    Ok(Reply::Array(names.into_iter().map(Reply::bulk).collect()))
}
