//! Generates the tables of the documents from the code.
//!
//! A generated block is enclosed by `<!-- generated: commands -->` and `<!-- end -->`. The tests
//! compare each block with the command table, the settings or the limits. With `UPDATE_DOCS=1` they
//! rewrite the blocks.

use std::fmt::Write;

use jsonvault::command::{Group, Row, Subcommand, table};
use jsonvault::config::{Config, SETTINGS, Setting};
use jsonvault::limits::{Limit, Unit};

use super::source::{Source, files, relative, root, sources};
use super::{assert_none, module_of};

const BEGIN: &str = "<!-- generated: ";
const END: &str = "<!-- end -->";
const RENEW: &str = "UPDATE_DOCS=1 cargo test --test it docs_are_fresh";

/// A generated block: its name, and the function that generates its text.
type Block = (&'static str, fn() -> String);

const BLOCKS: &[Block] = &[("commands", commands), ("settings", settings), ("limits", limits)];

/// The groups of commands, in the order of `docs/commands.md`.
const GROUPS: &[(Group, &str)] = &[
    (Group::Json, "JSON"),
    (Group::Generic, "Keys"),
    (Group::String, "Strings"),
    (Group::Bitmap, "Bitmaps"),
    (Group::List, "Lists"),
    (Group::Set, "Sets"),
    (Group::Hash, "Hashes"),
    (Group::SortedSet, "Sorted sets"),
    (Group::Transactions, "Transactions"),
    (Group::PubSub, "Pub/sub"),
    (Group::Connection, "Connection"),
    (Group::Server, "Server"),
    (Group::Cluster, "Cluster"),
];

const LIMITS: &[(&str, &[Limit])] = &[
    ("Requests", jsonvault::resp::limits::LIMITS),
    ("Documents", jsonvault::json::LIMITS),
    ("Paths", jsonvault::json::path::LIMITS),
    ("Commands", jsonvault::command::LIMITS),
    ("Collections and events", jsonvault::keyspace::LIMITS),
    ("Log entries", jsonvault::machine::LIMITS),
    ("Log", jsonvault::raft::LIMITS),
    ("Between nodes", jsonvault::cluster::LIMITS),
    ("Connections", jsonvault::server::LIMITS),
];

/// Constants with `_MAX` in their name that clients never reach: internal sizes, timeouts between
/// nodes, formats. A new constant belongs either here or in the `LIMITS` of its module.
const INTERNAL: &[&str] = &[
    "I64_MAX",
    "U64_MAX",
    "APPEND_ENTRIES_MAX",
    "BITS_MAX",
    "BLOCK_BYTES_MAX",
    "CLUSTER_BYTES_MAX",
    "CONCURRENT_MAX",
    "CONNECTIONS_MAX",
    "DELAY_MICROSECONDS_MAX",
    "DIGITS_EXACT_MAX",
    "DIGITS_MAX",
    "ECHO_BYTES_MAX",
    "ELECTION_TIMEOUT_MS_MAX",
    "EMBEDDED_BYTES_MAX",
    "EMPTY_BUCKETS_MAX",
    "ENTRIES_MAX_DEFAULT",
    "ENTRY_BYTES_MAX",
    "FRAME_BYTES_MAX",
    "FRAMING_BYTES_MAX",
    "GATHER_TIME_MAX",
    "GRAPH_SAMPLES_MAX",
    "GROWTH_MAX",
    "GUESS_BYTES_MAX",
    "HANDSHAKE_BYTES_MAX",
    "HEADER_BYTES_MAX",
    "HEAD_BYTES_MAX",
    "HOSTS_MAX",
    "INCLUDE_DEPTH_MAX",
    "INTEGER_MAX",
    "KINDS_MAX",
    "LETTERS_MAX",
    "LIST_BYTES_MAX",
    "LRU_CLOCK_MAX",
    "MANTISSA_EXACT_MAX",
    "FINGERPRINTS_MAX",
    "META_BYTES_MAX",
    "NODE_FILE_BYTES_MAX",
    "OBJECT_BYTES_MAX",
    "PATTERN_NESTING_MAX",
    "PAUSE_MAX",
    "PAYLOAD_BYTES_MAX",
    "PEERS_MAX",
    "PIECE_BYTES_MAX",
    "PACKED_VALUE_BYTES_MAX",
    "PIECE_MAX",
    "POLLS_MAX",
    "POSITIONS_MAX",
    "QUICK_SYNC_MAX",
    "READ_AHEAD_BYTES_MAX",
    "TURN_BYTES_MAX",
    "READ_BYTES_MAX",
    "RECORDS_MAX_DEFAULT",
    "REUSE_MAX",
    "SAMPLES_MAX",
    "SCAN_MAX",
    "SECRET_BYTES_MAX",
    "SHORT_BYTES_MAX",
    "SILENCE_MAX",
    "SIZE_INLINE_MAX",
    "SMALL_ELEMENT_BYTES_MAX",
    "SMALL_HASH_MAX",
    "SMALL_SET_MAX",
    "SPARES_MAX",
    "STATE_BYTES_MAX",
    "WHOLE_NUMBERS_MAX",
    "WORDS_MAX",
    "WORD_BYTES_MAX",
    "WRITE_BYTES_MAX",
];

/// Escapes the text of a table's cell, which a bar would end.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Formats `12345678` as `12,345,678`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a size in the largest unit that divides it.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(
        || format!("{} bytes", grouped(bytes)),
        |(unit, name)| format!("{} {name}", bytes / unit),
    )
}

fn commands() -> String {
    let mut text = String::new();
    for (group, title) in GROUPS {
        let rows = table::ROWS.iter().filter(|row| row.spec.group == *group);
        let mut lines: Vec<(bool, String)> = rows.flat_map(command_lines).collect();
        lines.sort();
        writeln!(text, "### {title}\n\n| command | since | |\n|---|---|---|").unwrap();
        lines.iter().for_each(|(_, line)| writeln!(text, "{line}").unwrap());
        text.push('\n');
    }
    text
}

/// The lines for a row of the table: its names, then its subcommands. The booleans sort short forms
/// after the `JSON.` commands.
fn command_lines(row: &'static Row) -> Vec<(bool, String)> {
    let line = |syntax: String, since: &str, note: &str| {
        let short_form = row.spec.group == Group::Json && !syntax.starts_with("JSON.");
        (short_form, format!("| `{}` | {since} | {} |", cell(syntax.trim_end()), cell(note)))
    };
    let mut lines = Vec::new();
    for (name, named) in row.names() {
        let alias = format!("Alias of {}.", row.spec.name);
        let note = if name == row.spec.name { row.spec.summary } else { &alias };
        let syntax = if row.subcommands.is_empty() { row.spec.syntax } else { "<subcommand>" };
        lines.push(line(format!("{name} {syntax}"), named.spec.since, note));
    }
    let inner = |one: &Subcommand| {
        line(format!("{} {} {}", row.spec.name, one.name, one.syntax), one.since, one.summary)
    };
    lines.extend(row.subcommands.iter().map(inner));
    lines
}

fn settings() -> String {
    let defaults = Config::default();
    let mut text = "| setting | default | changeable | |\n|---|---|---|---|\n".to_string();
    for setting in SETTINGS {
        let default = shown(setting, &defaults);
        let changeable = if setting.changeable { "yes" } else { "" };
        writeln!(text, "| `{}` | {default} | {changeable} | {} |", setting.name, cell(setting.help)).unwrap();
    }
    text
}

fn shown(setting: &Setting, defaults: &Config) -> String {
    let value = (setting.get)(defaults);
    match value.parse::<u64>() {
        Ok(bytes) if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => size(bytes),
        _ if value.is_empty() => String::new(),
        _ => format!("`{value}`"),
    }
}

fn limits() -> String {
    let mut text = String::new();
    for (title, limits) in LIMITS {
        writeln!(text, "### {title}\n\n| what | limit | setting | effect or reason |\n|---|---|---|---|")
            .unwrap();
        for limit in *limits {
            let value = match limit.unit {
                Unit::Bytes => size(limit.value),
                Unit::Count => grouped(limit.value),
                Unit::Seconds => format!("{} s", limit.value),
            };
            let setting =
                if limit.setting.is_empty() { String::new() } else { format!("`{}`", limit.setting) };
            writeln!(text, "| {} | {value} | {setting} | {} |", cell(limit.subject), cell(limit.note))
                .unwrap();
        }
        text.push('\n');
    }
    text
}

/// The document with its blocks generated again, and the names of the blocks that were stale.
fn renewed(text: &str) -> (String, Vec<&str>) {
    let (mut fresh, mut stale, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(" -->\n").expect("a generated block names itself on a line");
        let (old, after) = after.split_once(END).unwrap_or_else(|| panic!("block {name} has no end"));
        let generate = BLOCKS.iter().find(|(known, _)| *known == name).map(|(_, generate)| generate);
        let new = generate.unwrap_or_else(|| panic!("no block is called {name}"))();
        if old.trim() != new.trim() {
            stale.push(name);
        }
        write!(fresh, "{before}{BEGIN}{name} -->\n\n{}\n\n{END}", new.trim()).unwrap();
        rest = after;
    }
    (fresh + rest, stale)
}

#[test]
fn docs_are_fresh() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut found = Vec::new();
    let mut seen = String::new();
    for path in files("docs", "md").into_iter().chain([root().join("README.md")]) {
        let text = std::fs::read_to_string(&path).unwrap();
        let (fresh, stale) = renewed(&text);
        if update && fresh != text {
            std::fs::write(&path, &fresh).unwrap();
        } else if !update {
            found.extend(stale.iter().map(|name| format!("{}: {name}: {RENEW}", relative(&path))));
        }
        seen.push_str(&fresh);
    }
    let unused = BLOCKS.iter().filter(|(name, _)| !seen.contains(&format!("{BEGIN}{name} -->")));
    found.extend(unused.map(|(name, _)| format!("no document has the block {name}")));
    assert_none("stale tables", found);
}

#[test]
fn a_stale_block_is_found_and_renewed() {
    let text = format!("a\n{BEGIN}settings -->\n| old |\n{END}\nb\n");
    let (fresh, stale) = renewed(&text);
    assert_eq!(stale, ["settings"]);
    assert!(fresh.starts_with("a\n") && fresh.ends_with("\nb\n") && !fresh.contains("| old |"), "{fresh}");
    assert_eq!(renewed(&fresh), (fresh.clone(), Vec::new()));
}

#[test]
fn every_group_and_setting_is_in_the_tables() {
    let listed = commands();
    let missing = table::ROWS.iter().flat_map(|row| row.names()).filter(|(name, _)| {
        !listed.contains(&format!("| `{name}`")) && !listed.contains(&format!("| `{name} "))
    });
    assert_none("commands outside the table", missing.map(|(name, _)| name.to_string()).collect());
    let limited = LIMITS.iter().flat_map(|(_, limits)| *limits).map(|limit| limit.setting);
    let unknown =
        limited.filter(|name| !name.is_empty() && SETTINGS.iter().all(|setting| setting.name != *name));
    assert_none("limits of unknown settings", unknown.map(str::to_string).collect());
}

/// The constants of a file that have `MAX` in their names.
fn maxima(file: &Source) -> Vec<&str> {
    let names = file.product.match_indices("const ").map(|(at, word)| {
        let rest = &file.product[at + word.len()..];
        &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
    });
    names.filter(|name| name.split('_').any(|word| word == "MAX")).collect()
}

#[test]
fn every_limit_is_documented_or_known_to_be_internal() {
    let documented: Vec<&str> =
        LIMITS.iter().flat_map(|(_, limits)| *limits).map(|limit| limit.constant).collect();
    let is_documented = |name: &str| {
        documented.iter().any(|constant| constant.split([':', '.', ' ']).any(|word| word == name))
    };
    let product =
        sources("src").into_iter().filter(|file| !file.is_test && module_of(&file.path) != Some("client"));
    let mut found = Vec::new();
    for file in product {
        for name in maxima(&file) {
            if !is_documented(name) && !INTERNAL.contains(&name) {
                found.push(format!("{}: {name}", file.path));
            }
        }
    }
    assert_none("limits that are neither in a LIMITS list nor in INTERNAL", found);
}
