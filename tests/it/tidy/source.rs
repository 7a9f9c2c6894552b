//! Reads the repository's source files for the lints.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One Rust file.
pub struct Source {
    /// The path relative to the repository, with slashes.
    pub path: String,
    pub text: String,
    /// The text with comments and literals replaced by blanks; line numbers stay the same.
    pub code: String,
    /// The code with test modules replaced by blanks too; a file of tests is all blank.
    pub product: String,
    pub is_test: bool,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `dir` with this extension, in sorted order.
pub fn files(dir: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(dir)];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false if path.extension().is_some_and(|found| found == extension) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// All Rust files below `dir`.
pub fn sources(dir: &str) -> Vec<Source> {
    let paths = files(dir, "rs");
    let mut sources: Vec<Source> = paths.iter().map(|path| Source::read(path)).collect();
    let mut test_files = BTreeSet::new();
    for source in &sources {
        test_files.extend(source.test_modules());
    }
    for source in &mut sources {
        let below = |module: &String| {
            source.path == format!("{module}.rs") || source.path.starts_with(&format!("{module}/"))
        };
        if test_files.iter().any(below) {
            source.is_test = true;
            source.product = blank(&source.code);
        }
    }
    sources
}

impl Source {
    fn read(path: &Path) -> Source {
        let text = std::fs::read_to_string(path).unwrap();
        let code = without_literals(&text);
        let product = without_test_blocks(&code);
        Source { path: relative(path), text, code, product, is_test: false }
    }

    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// The modules that are compiled only for tests and have their own files, as paths without
    /// `.rs`.
    fn test_modules(&self) -> Vec<String> {
        let mut found = Vec::new();
        let dir = match self.path.rsplit_once('/').unwrap_or(("", &self.path)) {
            (dir, "mod.rs" | "lib.rs" | "main.rs") => dir.to_owned(),
            (dir, name) => format!("{dir}/{}", name.trim_end_matches(".rs")),
        };
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((visibility, name)) = line.strip_suffix(';').and_then(|line| line.split_once("mod "))
            else {
                continue;
            };
            if !visibility.is_empty() && !visibility.starts_with("pub") {
                continue;
            }
            let attributes: Vec<&&str> =
                lines[..at].iter().rev().take_while(|line| line.starts_with("#[")).collect();
            if !attributes.iter().any(|line| line.contains("cfg(test)")) {
                continue;
            }
            let given =
                attributes.iter().find_map(|line| line.strip_prefix("#[path = \"")?.strip_suffix("\"]"));
            let beside = self.path.rsplit_once('/').map_or("", |(dir, _)| dir);
            found.push(match given {
                Some(file) => format!("{beside}/{}", file.trim_end_matches(".rs")),
                None => format!("{dir}/{name}"),
            });
        }
        found
    }
}

fn blank(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect()
}

/// Replaces comments, string literals and character literals by blanks.
pub fn without_literals(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word_before = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => quoted(rest, 1),
            'r' | 'b' | 'c' if !word_before => prefixed(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.push_str(&blank(&rest[..length]));
            rest = &rest[length..];
        }
    }
    out
}

/// The length of the string literal whose opening quote ends at `from`.
fn quoted(text: &str, from: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text[from..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return from + at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a string literal with a prefix, such as `r#".."#` or `b".."`; 0 for anything else.
fn prefixed(text: &str) -> usize {
    let letters = text.find(|c| !matches!(c, 'r' | 'b' | 'c')).unwrap_or(0);
    let rest = &text[letters..];
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let opened = rest[hashes..].starts_with('"');
    if letters > 2 || !opened {
        return 0;
    }
    if !text[..letters].contains('r') {
        return if hashes == 0 { quoted(text, letters + 1) } else { 0 };
    }
    let from = letters + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    text[from..].find(&close).map_or(text.len(), |end| from + end + close.len())
}

/// The length of a character literal such as `'a'` or `'\n'`; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut rest = text[1..].char_indices();
    match rest.next() {
        Some((_, '\\')) => {
            rest.next();
            text[3..].find('\'').map_or(0, |end| end + 4)
        }
        Some((_, _)) => rest.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 2),
        None => 0,
    }
}

/// Replaces every item that is compiled only for tests by blanks.
fn without_test_blocks(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let open = rest.find('{').unwrap_or(rest.len());
        let end = match rest.find(';') {
            Some(semicolon) if semicolon < open => semicolon + 1,
            _ => open + block_length(&rest[open..]),
        };
        out.push_str(&blank(&rest[..end]));
        rest = &rest[end..];
    }
    out + rest
}

/// The length of a block in braces.
pub fn block_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// The name and the number of lines of each function that has a body.
pub fn functions(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("fn ") {
        let begins_word = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        rest = &rest[at + 3..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !begins_word || name.is_empty() {
            continue;
        }
        let Some(open) = rest.find(['{', ';']) else { break };
        if rest[open..].starts_with(';') {
            continue;
        }
        let end = open + block_length(&rest[open..]);
        found.push((name, rest[..end].lines().count()));
        // The search continues inside the function, so that nested functions are counted too.
        rest = &rest[open..];
    }
    found
}

#[test]
fn literals_and_tests_are_blanked() {
    let text = "let a = \"fn x() { }\"; // fn y\nlet b = r#\"\"fn\"#; 'f' b'\\'' &'a str\n\
                #[cfg(test)]\nmod tests {\n    fn z() {}\n}\nfn end() {\n}\n";
    let code = without_literals(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert!(!code.contains("fn x") && !code.contains("fn y") && code.contains("&'a str"), "{code}");
    assert_eq!(functions(&code), [("z".to_owned(), 1), ("end".to_owned(), 2)]);
    assert_eq!(functions(&without_test_blocks(&code)), [("end".to_owned(), 2)]);
}
