//! Lints of the repository: layers, sizes, unfinished work, comments, links.

mod docs;
mod purity;
mod source;
mod wings;

use std::collections::BTreeSet;

use jsonvault::command::table;
use source::{Source, files, functions, relative, root, sources};

/// Each module of the library, with the modules that it may name in `use` lines and in paths.
const LAYERS: &[(&str, &[&str])] = &[
    ("random", &[]),
    ("env", &["random"]),
    ("error", &[]),
    ("resp", &["error"]),
    ("json", &["error"]),
    ("acl", &[]),
    ("keyspace", &["random", "resp", "json", "error", "acl"]),
    ("command", &["random", "resp", "json", "error", "acl", "keyspace"]),
    ("config", &["env", "resp", "json", "error", "acl", "keyspace", "command"]),
    ("machine", &["random", "resp", "json", "error", "acl", "keyspace", "command"]),
    ("storage", &["env", "error"]),
    ("peer", &["env", "resp", "error", "storage"]),
    ("raft", &["env", "resp", "json", "error", "keyspace", "command", "machine", "storage", "peer"]),
    ("cluster", &["env", "error", "resp", "command", "machine", "storage", "peer", "raft"]),
    (
        "server",
        &[
            "env", "resp", "json", "error", "acl", "keyspace", "command", "config", "machine", "peer",
            "raft", "cluster",
        ],
    ),
    (
        "node",
        &[
            "random", "env", "resp", "json", "error", "keyspace", "command", "config", "machine", "storage",
            "peer", "raft", "cluster", "server",
        ],
    ),
    ("client", &["resp", "json", "error"]),
    // Test equipment, which the rest of the library must not name.
    ("testkit", &["random", "env", "resp", "json", "error", "acl", "keyspace", "machine", "storage"]),
];

/// Modules of definitions without behaviour, which every module may name.
const EVERYWHERE: &[&str] = &["limits", "version"];

/// Crates that only some modules may name.
const OWNED_CRATES: &[(&str, &[&str])] =
    &[("openraft", &["src/raft"]), ("redis_protocol", &["src/resp", "src/testkit"])];

/// The files that may test for the feature `testkit`.
const TESTKIT_DOORS: &[&str] =
    &["src/env/entropy.rs", "src/env/mod.rs", "src/keyspace/capture.rs", "src/lib.rs", "src/node.rs"];

const COMMENT_COLUMNS_MAX: usize = 100;
const FILE_LINES_MAX: usize = 500;
const FILE_LINES_MEDIAN_MAX: usize = 200;
const FUNCTION_LINES_MAX: usize = 50;
const SHORT_FUNCTIONS_PERCENT_MIN: usize = 95;
const ASSERTS_PER_1000_LINES_MIN: usize = 5;

/// Modules with state. Their documentation has to list their invariants.
const STATEFUL: &[&str] = &[
    "src/client/connection.rs",
    "src/client/import.rs",
    "src/cluster/copies.rs",
    "src/cluster/group.rs",
    "src/cluster/membership.rs",
    "src/cluster/mod.rs",
    "src/cluster/pubsub_relay.rs",
    "src/cluster/read_index.rs",
    "src/cluster/tasks.rs",
    "src/cluster/upgrade.rs",
    "src/command/transactions/queue.rs",
    "src/env/background.rs",
    "src/env/clock.rs",
    "src/env/entropy.rs",
    "src/env/mod.rs",
    "src/keyspace/capture.rs",
    "src/keyspace/change_stream.rs",
    "src/keyspace/mod.rs",
    "src/node.rs",
    "src/peer/client.rs",
    "src/peer/endpoint.rs",
    "src/peer/exchange.rs",
    "src/peer/mod.rs",
    "src/raft/consensus.rs",
    "src/raft/mod.rs",
    "src/raft/participation.rs",
    "src/raft/proposal_queue.rs",
    "src/raft/proposer.rs",
    "src/raft/snapshot_status.rs",
    "src/raft/state_machine.rs",
    "src/raft/watch.rs",
    "src/resp/decode.rs",
    "src/server/connection/admission.rs",
    "src/server/connection/dispatch.rs",
    "src/server/connection/task.rs",
    "src/server/mod.rs",
    "src/server/pubsub/channels.rs",
    "src/server/pubsub/clients.rs",
    "src/server/pubsub/mod.rs",
    "src/server/pubsub/outbox.rs",
    "src/server/pubsub/pause.rs",
    "src/server/pubsub/socket_writer.rs",
    "src/server/pubsub/tracking.rs",
    "src/server/stats/counters.rs",
    "src/server/stats/histogram.rs",
    "src/server/stats/latency.rs",
    "src/server/stats/sampling.rs",
    "src/server/stats/slowlog.rs",
    "src/storage/log/mod.rs",
    "src/storage/log/recover.rs",
    "src/storage/log/segment.rs",
    "src/storage/node_file.rs",
    "src/storage/snapshot/directory.rs",
    "src/storage/snapshot/mod.rs",
    "src/testkit/clock.rs",
    "src/testkit/disk.rs",
];

/// Fails with one line for each finding, if there are any.
fn assert_none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

/// The modules that code names behind `crate::`, including those of `use crate::{a, b::c}`.
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

/// The module of the library to which a file belongs.
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
            found.push(format!("{}: {module} is missing in the table of layers", file.path));
            continue;
        };
        for named in named_modules(&file.product) {
            let is_module = LAYERS.iter().any(|(name, _)| *name == named);
            if is_module && named != module && !allowed.contains(&named.as_str()) {
                found.push(format!("{}: {module} names {named}", file.path));
            }
        }
    }
    assert_none("modules that name a module of a higher layer", found);
}

/// A table without cycles makes cycles between files of different modules impossible.
#[test]
fn the_layers_are_ordered() {
    let mut found = Vec::new();
    for (at, (module, allowed)) in LAYERS.iter().enumerate() {
        let below: Vec<&str> = LAYERS[..at].iter().map(|(name, _)| *name).collect();
        found.extend(
            allowed
                .iter()
                .filter(|name| !below.contains(name))
                .map(|name| format!("{module} may name {name}, which is not listed before it")),
        );
    }
    assert_none("layers that may form a cycle", found);
}

#[test]
fn an_owned_crate_is_named_only_by_its_owner() {
    let mut found = Vec::new();
    for file in sources("src") {
        for (name, owners) in OWNED_CRATES {
            let owned = owners.iter().any(|owner| file.path.starts_with(owner));
            if file.code.contains(&format!("{name}::")) && !owned {
                found.push(format!("{}: {name} belongs to {owners:?}", file.path));
            }
        }
    }
    assert_none("crates named outside their module", found);
}

#[test]
fn test_equipment_is_not_part_of_a_server() {
    let library = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let guarded = "#[cfg(feature = \"testkit\")]\n#[doc(hidden)]\npub mod testkit;";
    assert!(library.contains(guarded), "src/lib.rs compiles testkit only with its feature");
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("default = ["), "no feature is enabled by default");
    let (product, tests) = manifest.split_once("[dev-dependencies]").expect("the manifest has both");
    let product: String = product.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(product.matches("testkit").count(), 1, "the feature is declared, and nothing enables it");
    assert!(tests.contains("jsonvault = { path = \".\", features = [\"testkit\"] }"), "tests enable it");
    let mut found = Vec::new();
    for file in sources("src").iter().filter(|file| !file.path.starts_with("src/testkit")) {
        if file.text.contains("feature = \"testkit\"") && !TESTKIT_DOORS.contains(&file.path.as_str()) {
            found.push(format!("{}: asks for the feature", file.path));
        }
        if file.product.contains("testkit::") || file.product.contains("use crate::testkit") {
            found.push(format!("{}: names test equipment", file.path));
        }
    }
    assert_none("test equipment in the product", found);
}

fn all_rust() -> impl Iterator<Item = Source> {
    ["src", "tests", "sim", "benchmarks", "examples", "fuzz"].into_iter().flat_map(sources)
}

#[test]
fn nothing_unfinished_is_left_behind() {
    // Assembled at run time, so that this file itself does not match.
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

/// Whether a comment line is too wide. Lines of tables and of code are exempt, because they cannot
/// be broken.
fn is_wide_comment(line: &str) -> bool {
    let Some((marker, text)) = line.trim_start().split_once(' ') else { return false };
    let is_prose = !text.starts_with('|') && !text.starts_with("    ");
    matches!(marker, "//" | "///" | "//!") && is_prose && line.chars().count() > COMMENT_COLUMNS_MAX
}

#[test]
fn comments_are_narrow() {
    assert!(is_wide_comment(&format!("    /// {}", "word ".repeat(20))), "the check finds a wide comment");
    let mut found = Vec::new();
    for file in all_rust() {
        let lines = file.text.lines().enumerate().filter(|(_, line)| is_wide_comment(line));
        found.extend(lines.map(|(at, _)| format!("{}:{}", file.path, at + 1)));
    }
    assert_none(&format!("comments beyond {COMMENT_COLUMNS_MAX} columns"), found);
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
    assert!(count > 500, "the functions are found: {count}");
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
fn the_code_asserts_its_invariants() {
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
fn stateful_modules_list_their_invariants() {
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
fn every_file_begins_with_its_purpose() {
    let silent = sources("src").into_iter().filter(|file| !file.is_test && !file.text.starts_with("//!"));
    assert_none("files without module docs", silent.map(|file| file.path).collect());
}

#[test]
fn every_command_is_in_the_table() {
    let table = std::fs::read_to_string(root().join("src/command/table.rs")).unwrap();
    let mut found = Vec::new();
    let mut commands = 0;
    for file in sources("src/command").iter().filter(|file| !file.is_test) {
        let count = file.product.matches("Command for ").count();
        let path = file.path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        let stem = path.rsplit('/').next().unwrap_or_default();
        commands += count;
        if count > 0 && !table.contains(&format!("{stem}::")) {
            found.push(format!("{}: the table does not name it", file.path));
        }
    }
    assert_none("commands outside the table", found);
    let rows = table::ROWS.len() + table::INTERNAL.len();
    assert!(commands > 0 && commands <= rows, "{commands} commands, {rows} rows");
}

/// The targets of links `[text](target)` that are files.
fn links(text: &str) -> Vec<&str> {
    let targets = text.match_indices("](").filter_map(|(at, _)| {
        let rest = &text[at + 2..];
        rest.find([')', ' ', '\n']).map(|end| &rest[..end])
    });
    let is_file = |target: &&str| !target.is_empty() && !target.contains("://") && !target.starts_with('#');
    targets.filter(is_file).map(|target| target.split('#').next().unwrap_or(target)).collect()
}

#[test]
fn every_link_in_the_documents_has_a_target() {
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
    assert_none("links to files that do not exist", found);
}

#[test]
fn every_document_that_the_code_cites_exists() {
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
    assert_none("cited documents that do not exist", found);
}

#[test]
fn the_names_after_crate_are_found_in_all_their_forms() {
    let code = "use crate::a::b; use crate::{c, d::{e, f}, g}; crate::h::i(); crate::j!()";
    let found: Vec<String> = named_modules(code).into_iter().collect();
    assert_eq!(found, ["a", "c", "d", "g", "h", "j"]);
}
