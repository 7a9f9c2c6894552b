//! Reads the documentation of commands, for completion and hints in the prompt.
//!
//! The reply to `COMMAND DOCS` is parsed tolerantly: missing and unknown parts are left out. If the
//! server does not have the command, there are no hints.

use crate::resp::Value;

/// Maximum nesting of arguments that is parsed; no command of Redis exceeds four levels.
const DEPTH_MAX: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandDoc {
    /// The name in capitals; a subcommand has the form `CLIENT LIST`.
    pub(super) name: String,
    pub(super) summary: String,
    /// One text per argument: `key`, `[NX | XX]`, `path [path ...]`.
    pub(super) syntax: Vec<String>,
}

/// The commands in a reply to `COMMAND DOCS`, sorted by name.
pub(super) fn read(reply: &Value) -> Vec<CommandDoc> {
    let mut docs = Vec::new();
    collect(reply, &mut docs);
    docs.sort_by(|a, b| a.name.cmp(&b.name));
    docs
}

fn collect(reply: &Value, docs: &mut Vec<CommandDoc>) {
    for (name, fields) in reply.pairs().unwrap_or_default() {
        let Some(name) = text(name) else { continue };
        let arguments = field(fields, "arguments").and_then(Value::items).unwrap_or_default();
        docs.push(CommandDoc {
            name: name.to_ascii_uppercase().replace('|', " "),
            summary: field(fields, "summary").and_then(text).unwrap_or_default(),
            syntax: arguments.iter().filter_map(|argument| syntax(argument, 0)).collect(),
        });
        if let Some(subcommands) = field(fields, "subcommands")
            && docs.len() < 10_000
        {
            collect(subcommands, docs);
        }
    }
}

fn field<'a>(fields: &'a Value, name: &str) -> Option<&'a Value> {
    let pairs = fields.pairs()?;
    pairs.into_iter().find(|(key, _)| key.text().is_some_and(|key| key == name)).map(|(_, value)| value)
}

fn text(value: &Value) -> Option<String> {
    value.text().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// Formats one argument in the notation of redis.io.
fn syntax(argument: &Value, depth: usize) -> Option<String> {
    if depth == DEPTH_MAX {
        return None;
    }
    let get = |name| field(argument, name).and_then(text);
    let parts = || -> Vec<String> {
        let members = field(argument, "arguments").and_then(Value::items).unwrap_or_default();
        members.iter().filter_map(|member| syntax(member, depth + 1)).collect()
    };
    let token = get("token");
    let shown = match get("type").as_deref() {
        Some("pure-token") => String::new(),
        Some("oneof") => parts().join(" | "),
        Some("block") => parts().join(" "),
        _ => get("display_text").or_else(|| get("name"))?,
    };
    let flags: Vec<String> = field(argument, "flags")
        .and_then(Value::items)
        .map(|flags| flags.iter().filter_map(text).collect())
        .unwrap_or_default();
    let has = |flag: &str| flags.iter().any(|name| name == flag);
    let mut whole = match token {
        Some(token) if shown.is_empty() => token,
        Some(token) => format!("{token} {shown}"),
        None => shown,
    };
    if has("multiple") || has("multiple_token") {
        whole = format!("{whole} [{whole} ...]");
    }
    let alternatives = get("type").as_deref() == Some("oneof");
    Some(match (has("optional"), alternatives) {
        (true, _) => format!("[{whole}]"),
        (false, true) => format!("<{whole}>"),
        (false, false) => whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Value {
        Value::Bulk(text.to_owned().into())
    }

    fn map(pairs: &[(&str, Value)]) -> Value {
        Value::Array(pairs.iter().flat_map(|(key, value)| [word(key), value.clone()]).collect())
    }

    fn list(words: &[&str]) -> Value {
        Value::Array(words.iter().map(|text| word(text)).collect())
    }

    #[test]
    fn syntax_is_written_as_in_the_manual() {
        let token =
            |name: &str| map(&[("name", word("x")), ("type", word("pure-token")), ("token", word(name))]);
        let arguments = Value::Array(vec![
            map(&[("name", word("key")), ("type", word("key"))]),
            map(&[("name", word("path")), ("flags", list(&["optional", "multiple"]))]),
            map(&[
                ("name", word("condition")),
                ("type", word("oneof")),
                ("flags", list(&["optional"])),
                ("arguments", Value::Array(vec![token("NX"), token("XX")])),
            ]),
            map(&[("name", word("n")), ("token", word("COUNT")), ("display_text", word("count"))]),
        ]);
        let reply = map(&[(
            "json.get",
            map(&[("summary", word("Reads.")), ("since", Value::Null), ("arguments", arguments)]),
        )]);
        let docs = read(&reply);
        assert_eq!(docs.len(), 1);
        assert_eq!((docs[0].name.as_str(), docs[0].summary.as_str()), ("JSON.GET", "Reads."));
        assert_eq!(docs[0].syntax, ["key", "[path [path ...]]", "[NX | XX]", "COUNT count"]);
    }

    #[test]
    fn malformed_replies_give_fewer_docs() {
        assert_eq!(read(&Value::Error("ERR unknown command".into())), vec![]);
        assert_eq!(read(&Value::Array(vec![Value::Integer(1), Value::Null])), vec![]);
        let docs = read(&map(&[("client", map(&[("subcommands", map(&[("client|list", Value::Null)]))]))]));
        let names: Vec<&str> = docs.iter().map(|doc| doc.name.as_str()).collect();
        assert_eq!(names, ["CLIENT", "CLIENT LIST"]);
    }
}
