//! Checks the modules of the server: which of the others each may name, and that there is no cycle
//! between files.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, block_length, sources};

/// Each module of the server, and the modules that it may name. `state` is a single file.
const WINGS: &[(&str, &[&str])] = &[
    ("stats", &[]),
    ("pubsub", &["stats"]),
    ("state", &["pubsub", "stats"]),
    ("admin", &["pubsub", "state", "stats"]),
    ("connection", &["admin", "pubsub", "state", "stats"]),
    // A list of constants for the documents, which no module of the server names.
    ("limits", &["connection", "pubsub"]),
];

type Module = Vec<String>;

/// The path of a file below `src/server` as a list, for example `["admin", "join"]`.
fn module_of(file: &Source) -> Module {
    let inner = file.path.trim_start_matches("src/server/").trim_end_matches(".rs");
    inner.split('/').filter(|word| *word != "mod").map(str::to_owned).collect()
}

/// The paths of a `use` tree, or the single path of an expression.
fn paths(text: &str) -> Vec<Module> {
    let mut rest = text.trim_start();
    let mut path = Vec::new();
    loop {
        if rest.starts_with('{') {
            let group = &rest[1..block_length(rest) - 1];
            let tails = items(group).into_iter().flat_map(paths);
            return tails.map(|tail| [path.clone(), tail].concat()).collect();
        }
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if length > 0 {
            path.push(rest[..length].to_owned());
        }
        match rest[length..].strip_prefix("::") {
            Some(next) if length > 0 => rest = next,
            _ => return vec![path],
        }
    }
}

/// The items of a group; nested groups are not split.
fn items(group: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            found.push(&group[begin..at]);
            begin = at + 1;
        }
    }
    found.push(&group[begin..]);
    found.into_iter().filter(|item| !item.trim().is_empty()).collect()
}

/// The other modules of the server that a file names, in any form.
fn named(file: &Source, modules: &BTreeSet<Module>) -> BTreeSet<Module> {
    let own = module_of(file);
    let code = &file.product;
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::server::") {
        found.extend(paths(&code[at + "crate::server::".len()..]));
    }
    for (at, _) in code.match_indices("super::") {
        let is_first = !code[..at].ends_with("::");
        let mut base = own.clone();
        let mut rest = &code[at..];
        while let Some(next) = rest.strip_prefix("super::") {
            base.pop();
            rest = next;
        }
        if is_first {
            found.extend(paths(rest).into_iter().map(|path| [base.clone(), path].concat()));
        }
    }
    // A module may name its child modules without a path.
    for child in modules.iter().filter(|module| module.split_last().is_some_and(|(_, parent)| parent == own))
    {
        let path = format!("{}::", child[own.len()]);
        let names = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if code.match_indices(&path).any(|(at, _)| names(at)) {
            found.push(child.clone());
        }
    }
    let resolved = found.into_iter().map(|mut path| {
        while !modules.contains(&path) && !path.is_empty() {
            path.pop();
        }
        path
    });
    resolved.filter(|module| *module != own).collect()
}

/// The files of the server except its `mod.rs`, with the modules that each names.
fn edges() -> BTreeMap<Module, BTreeSet<Module>> {
    let files: Vec<Source> = sources("src/server").into_iter().filter(|file| !file.is_test).collect();
    let modules: BTreeSet<Module> = files.iter().map(module_of).collect();
    let inner = files.iter().filter(|file| !module_of(file).is_empty());
    inner.map(|file| (module_of(file), named(file, &modules))).collect()
}

#[test]
fn a_wing_of_the_server_names_only_those_below_it() {
    let mut found = Vec::new();
    for (module, named) in edges() {
        let Some((_, allowed)) = WINGS.iter().find(|(wing, _)| *wing == module[0]) else {
            found.push(format!("{} is missing in the table of modules", module.join("::")));
            continue;
        };
        for other in named {
            let wing = other.first().map_or("the server's own mod.rs", String::as_str);
            if wing != module[0] && !allowed.contains(&wing) {
                found.push(format!("{} names {wing}", module.join("::")));
            }
        }
    }
    super::assert_none("modules that name one above them", found);
}

/// A path from a file over others back to itself, if there is one.
fn circle(from: &Module, edges: &BTreeMap<Module, BTreeSet<Module>>) -> Option<String> {
    let mut before: BTreeMap<&Module, &Module> = BTreeMap::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in edges.get(module).into_iter().flatten() {
            if next == from {
                let way = std::iter::successors(Some(module), |at| before.get(*at).copied());
                let mut names: Vec<String> = way.map(|module| module.join("::")).collect();
                names.reverse();
                return Some(format!("{} -> {}", names.join(" -> "), from.join("::")));
            }
            if !before.contains_key(next) {
                before.insert(next, module);
                open.push(next);
            }
        }
    }
    None
}

#[test]
fn the_files_of_the_server_form_no_circle() {
    let edges = edges();
    assert!(edges.values().map(BTreeSet::len).sum::<usize>() > 50, "the paths were found");
    super::assert_none("circles", edges.keys().filter_map(|module| circle(module, &edges)).collect());
}

#[test]
fn paths_are_found_in_nested_groups() {
    let found: Vec<String> = paths("a::{b, c::{self, d}, *}; e").iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::b", "a::c::self", "a::c::d", "a"]);
}
