//! `ACL WHOAMI|LIST|USERS|GETUSER|CAT`: shows the users and the categories of commands. The only
//! user is `default`, with all permissions.

use std::collections::BTreeSet;

use crate::command::framework::subcommands;
use crate::command::{
    Args, Command, Control, DEFAULT_USER, Flags, Group, KeySpec, Node, Row, Session, Spec, Subcommand, table,
};
use crate::error::CommandError;
use crate::resp::Reply;

const ONE_USER: CommandError =
    CommandError::fixed("ERR the only user is default; its password is the setting requirepass");

/// The permissions of the only user, as rules of Redis: all keys, all channels, all commands.
const RULES: &str = "~* &* +@all";

pub struct Acl;

impl Command for Acl {
    const SPEC: Spec = Spec {
        name: "ACL",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "6.0.0",
        complexity: "That of the subcommand",
        summary: "Shows the only user and the categories of commands.",
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
            "Shows the password digest and the permissions of a user.",
        ),
        Subcommand::new(
            "CAT",
            "[category]",
            "6.0.0",
            "O(1)",
            "Lists the categories of commands, or the commands of one.",
        )
        .not_admin(),
        Subcommand::help("6.0.0"),
    ];
}

impl Control for Acl {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let word = args.word()?;
        match (&word.to_ascii_uppercase()[..], args.left()) {
            (b"WHOAMI", 0) => Ok(Reply::bulk(DEFAULT_USER)),
            (b"USERS", 0) => Ok(Reply::Array(vec![Reply::bulk(DEFAULT_USER)])),
            (b"LIST", 0) => {
                let password = node.password_digest().map_or("nopass".to_string(), |hex| format!("#{hex}"));
                Ok(Reply::Array(vec![Reply::bulk(format!("user default on {password} {RULES}"))]))
            }
            (b"GETUSER", 1) => {
                Ok(if args.word()? == DEFAULT_USER { default_user(node) } else { Reply::Null })
            }
            (b"CAT", 0) => Ok(Reply::Array(categories().into_iter().map(Reply::word).collect())),
            (b"CAT", 1) => commands_of(args.word()?),
            (b"HELP", 0) => Ok(subcommands::help::<Self>()),
            (b"SETUSER" | b"DELUSER" | b"LOAD" | b"SAVE" | b"DRYRUN" | b"GENPASS" | b"LOG", _) => {
                Err(ONE_USER)
            }
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

fn default_user(node: &dyn Node) -> Reply {
    let digest = node.password_digest();
    let flags = if digest.is_some() { &["on"][..] } else { &["on", "nopass"] };
    Reply::Map(vec![
        (Reply::word("flags"), Reply::Set(flags.iter().map(|flag| Reply::word(flag)).collect())),
        (Reply::word("passwords"), Reply::Array(digest.into_iter().map(Reply::bulk).collect())),
        (Reply::word("commands"), Reply::word("+@all")),
        (Reply::word("keys"), Reply::word("~*")),
        (Reply::word("channels"), Reply::word("&*")),
        (Reply::word("selectors"), Reply::Array(Vec::new())),
    ])
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
    if !categories().contains(category.as_str()) {
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
