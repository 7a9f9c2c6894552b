//! The repository keeps its own rules: layers, sizes, words that must not stay, links that lead somewhere.

mod docs;
mod source;

use std::collections::BTreeSet;

use jsonvault::command::table;
use source::{Source, files, functions, relative, root, sources};

/// Each module of the library with those it may name; `use` lines and paths in the code are held against it.
const LAYERS: &[(&str, &[&str])] = &[
    ("env", &[]),
    ("error", &[]),
    ("resp", &["error"]),
    ("json", &["error"]),
    ("keyspace", &["env", "resp", "json", "error"]),
    ("command", &["env", "resp", "json", "error", "keyspace"]),
    ("config", &["env", "resp", "json", "error", "keyspace", "command"]),
    ("machine", &["env", "resp", "json", "error", "keyspace", "command"]),
    ("storage", &["env", "error"]),
    ("raft", &["env", "resp", "json", "error", "keyspace", "command", "machine", "storage"]),
    ("server", &["env", "resp", "json", "error", "keyspace", "command", "config", "machine", "raft"]),
    (
        "node",
        &[
            "env", "resp", "json", "error", "keyspace", "command", "config", "machine", "storage", "raft",
            "server",
        ],
    ),
    ("client", &["resp", "json", "error"]),
    // Outside the product: what a fuzzer calls, which may look into everything that reads bytes.
    ("fuzzing", &["env", "resp", "json", "error", "keyspace", "machine", "storage"]),
];

/// Vocabulary without behaviour, which every module may name.
const EVERYWHERE: &[&str] = &["limits"];

/// Crates that one module alone may name.
const OWNED_CRATES: &[(&str, &str)] = &[("openraft", "src/raft"), ("redis_protocol", "src/resp")];

const FILE_LINES_MAX: usize = 500;
const FILE_LINES_MEDIAN_MAX: usize = 200;
const FUNCTION_LINES_MAX: usize = 50;
const SHORT_FUNCTIONS_PERCENT_MIN: usize = 95;
const ASSERTS_PER_1000_LINES_MIN: usize = 5;

/// Modules that hold state: what must stay true of it stands at their head.
const STATEFUL: &[&str] = &[
    "src/client/connection.rs",
    "src/client/import.rs",
    "src/command/transactions/queue.rs",
    "src/env/background.rs",
    "src/keyspace/capture.rs",
    "src/keyspace/feed.rs",
    "src/keyspace/mod.rs",
    "src/raft/group.rs",
    "src/raft/notices.rs",
    "src/raft/proposer.rs",
    "src/raft/saving.rs",
    "src/raft/state_machine.rs",
    "src/raft/watch.rs",
    "src/resp/decode.rs",
    "src/server/connection.rs",
    "src/server/hub/channels.rs",
    "src/server/hub/mod.rs",
    "src/server/hub/pause.rs",
    "src/server/hub/tracking.rs",
    "src/server/mailbox.rs",
    "src/server/outlet.rs",
    "src/server/registry.rs",
    "src/server/stats.rs",
    "src/storage/log/mod.rs",
    "src/storage/log/recover.rs",
    "src/storage/log/segment.rs",
    "src/storage/node_file.rs",
    "src/storage/snapshot/directory.rs",
    "src/storage/snapshot/mod.rs",
];

/// Fails with everything that was found, one line each.
fn assert_none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

/// The words that follow `crate::` in code, with `use crate::{a, b::c}` taken apart.
fn named_modules(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if !rest.starts_with('{') {
            found.insert(word(rest));
            continue;
        }
        let group = &rest[1..source::block_length(rest) - 1];
        let mut depth = 0;
        let outermost: String = group
            .chars()
            .filter(|c| {
                depth += i32::from(*c == '{') - i32::from(*c == '}');
                depth == 0 && *c != '}'
            })
            .collect();
        found.extend(outermost.split(',').map(|item| word(item.trim())).filter(|item| !item.is_empty()));
    }
    found
}

/// The module of the library that a file belongs to.
fn module_of(path: &str) -> Option<&str> {
    let inner = path.strip_prefix("src/")?;
    let module = inner.split(['/', '.']).next()?;
    (!matches!(module, "bin" | "lib")).then_some(module)
}

#[test]
fn every_module_names_only_those_to_its_left() {
    let mut found = Vec::new();
    for file in sources("src") {
        let Some(module) = module_of(&file.path).filter(|module| !EVERYWHERE.contains(module)) else {
            continue;
        };
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            found.push(format!("{}: {module} stands in no layer", file.path));
            continue;
        };
        for named in named_modules(&file.product) {
            let is_module = LAYERS.iter().any(|(name, _)| *name == named);
            if is_module && named != module && !allowed.contains(&named.as_str()) {
                found.push(format!("{}: {module} names {named}", file.path));
            }
        }
    }
    assert_none("modules that reach to their right", found);
}

#[test]
fn a_crate_with_an_owner_is_named_by_its_owner_only() {
    let mut found = Vec::new();
    for file in sources("src") {
        for (name, owner) in OWNED_CRATES {
            if file.code.contains(&format!("{name}::")) && !file.path.starts_with(owner) {
                found.push(format!("{}: {name} belongs to {owner}", file.path));
            }
        }
    }
    assert_none("crates named outside their module", found);
}

fn all_rust() -> impl Iterator<Item = Source> {
    ["src", "tests", "sim", "benchmarks", "examples", "fuzz"].into_iter().flat_map(sources)
}

#[test]
fn nothing_unfinished_is_left_behind() {
    // Put together here, so that this file does not find itself.
    let words = [concat!("FIX", "ME"), concat!("TO", "DO"), concat!("X", "XX"), concat!("HA", "CK")];
    let macros = [concat!("db", "g!("), concat!("to", "do!("), concat!("unimple", "mented!(")];
    let mut found = Vec::new();
    for file in all_rust() {
        for (number, line) in file.text.lines().enumerate() {
            let has_word = line.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word));
            if has_word || macros.iter().any(|name| line.contains(name)) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none("left behind", found);
}

#[test]
fn files_are_short() {
    let long = all_rust().filter(|file| file.lines() > FILE_LINES_MAX);
    assert_none(
        "files that are too long",
        long.map(|file| format!("{}: {}", file.path, file.lines())).collect(),
    );
    let mut lines: Vec<usize> =
        sources("src").iter().filter(|file| !file.is_test).map(Source::lines).collect();
    lines.sort_unstable();
    let median = lines[lines.len() / 2];
    assert!(median <= FILE_LINES_MEDIAN_MAX, "the median of the files' lines is {median}");
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    let (mut count, mut longest) = (0, 0);
    for file in sources("src") {
        for (name, lines) in functions(&file.product) {
            count += 1;
            longest = longest.max(lines);
            if lines > FUNCTION_LINES_MAX {
                long.push(format!("{}: {name}: {lines}", file.path));
            }
        }
    }
    assert!(count > 500, "the counter of functions is broken: {count}");
    println!("{count} functions, the longest of {longest} lines, {} over {FUNCTION_LINES_MAX}", long.len());
    let allowed = count * (100 - SHORT_FUNCTIONS_PERCENT_MIN) / 100;
    if long.len() > allowed {
        assert_none("functions that are too long", long);
    }
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    let mut found = Vec::new();
    for file in sources("src") {
        for (number, line) in file.product.lines().enumerate() {
            if line.contains(".unwrap()") {
                found.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    assert_none("unwraps", found);
}

#[test]
fn the_code_asserts_what_it_relies_on() {
    let (mut asserts, mut lines) = (0, 0);
    for file in sources("src").iter().filter(|file| !file.is_test) {
        asserts += file.product.matches("assert!").count();
        asserts += file.product.matches("assert_eq!").count() + file.product.matches("assert_ne!").count();
        lines += file.product.lines().filter(|line| !line.trim().is_empty()).count();
    }
    println!("{asserts} asserts in {lines} lines of code");
    assert!(asserts * 1000 >= ASSERTS_PER_1000_LINES_MIN * lines, "{asserts} asserts in {lines} lines");
}

#[test]
fn stateful_modules_tell_their_invariants() {
    let mut found = Vec::new();
    for path in STATEFUL {
        match std::fs::read_to_string(root().join(path)) {
            Ok(text) => {
                let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
                if !head.iter().any(|line| line.contains("Invariant")) {
                    found.push(format!("{path}: no invariants in its module docs"));
                }
            }
            Err(error) => found.push(format!("{path}: {error}")),
        }
    }
    assert_none("stateful modules", found);
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let silent = sources("src").into_iter().filter(|file| !file.is_test && !file.text.starts_with("//!"));
    assert_none("files without module docs", silent.map(|file| file.path).collect());
}

#[test]
fn every_command_that_is_written_stands_in_the_table() {
    let table = std::fs::read_to_string(root().join("src/command/table.rs")).unwrap();
    let mut found = Vec::new();
    let mut commands = 0;
    for file in sources("src/command").iter().filter(|file| !file.is_test) {
        let count = file.product.matches("Command for ").count();
        let stem = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        commands += count;
        if count > 0 && !table.contains(&format!("{stem}::")) {
            found.push(format!("{}: the table does not name it", file.path));
        }
    }
    assert_none("commands outside the table", found);
    let rows = table::ROWS.len() + table::INTERNAL.len();
    assert!(commands > 0 && commands <= rows, "{commands} commands, {rows} rows");
}

/// The targets of `[text](target)` that are files.
fn links(text: &str) -> Vec<&str> {
    let targets = text.match_indices("](").filter_map(|(at, _)| {
        let rest = &text[at + 2..];
        rest.find([')', ' ', '\n']).map(|end| &rest[..end])
    });
    let is_file = |target: &&str| !target.is_empty() && !target.contains("://") && !target.starts_with('#');
    targets.filter(is_file).map(|target| target.split('#').next().unwrap_or(target)).collect()
}

#[test]
fn every_link_in_the_documents_leads_to_a_file() {
    let mut found = Vec::new();
    let readme = ["README.md", "CHANGELOG.md"].map(|name| root().join(name));
    let documents = files("docs", "md").into_iter().chain(readme.into_iter().filter(|path| path.exists()));
    for path in documents {
        let text = std::fs::read_to_string(&path).unwrap();
        for link in links(&text) {
            if !path.parent().is_some_and(|dir| dir.join(link).exists()) {
                found.push(format!("{}: {link}", relative(&path)));
            }
        }
    }
    assert_none("links to files that are not there", found);
}

#[test]
fn every_document_that_the_code_cites_is_there() {
    let mut found = Vec::new();
    for file in all_rust() {
        for (at, _) in file.text.match_indices("docs/") {
            let cited: String = file.text[at..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.'))
                .collect();
            let cited = cited.trim_end_matches('.');
            if cited.ends_with(".md") && !root().join(cited).exists() {
                found.push(format!("{}: {cited}", file.path));
            }
        }
    }
    assert_none("documents that are cited and not there", found);
}

#[test]
fn the_names_after_crate_are_found_in_all_their_forms() {
    let code = "use crate::a::b; use crate::{c, d::{e, f}, g}; crate::h::i(); crate::j!()";
    let found: Vec<String> = named_modules(code).into_iter().collect();
    assert_eq!(found, ["a", "c", "d", "g", "h", "j"]);
}
