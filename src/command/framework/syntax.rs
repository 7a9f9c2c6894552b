//! Parses the notation in which a row states its arguments, for `COMMAND DOCS`.
//!
//! `word` is an argument, `WORD` a token, `[..]` an optional part, `a | b` a choice, and `(..)` a
//! group; `...` repeats the item before it.

/// One argument of a command, as `COMMAND DOCS` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    pub name: String,
    pub kind: Kind,
    /// The keyword before the value, if there is one; for a pure token, the keyword itself.
    pub token: Option<String>,
    pub optional: bool,
    pub multiple: bool,
    pub parts: Vec<Argument>,
}

impl Argument {
    /// The minimum number of words that the argument takes if it is present.
    pub fn words(&self) -> i32 {
        let fewest = |part: &Argument| if part.optional { 0 } else { part.words() };
        let token = i32::from(self.token.is_some() && self.kind != Kind::PureToken);
        token
            + match self.kind {
                Kind::OneOf => self.parts.iter().map(fewest).min().unwrap_or(0),
                Kind::Block => self.parts.iter().map(fewest).sum(),
                _ => 1,
            }
    }

    /// Whether the argument may take more words than the minimum.
    pub fn is_open(&self) -> bool {
        self.optional || self.multiple || self.parts.iter().any(Argument::is_open)
    }
}

/// The types of arguments that occur here, named as in Redis' documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Key,
    Text,
    Integer,
    Pattern,
    PureToken,
    OneOf,
    Block,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Key => "key",
            Kind::Text => "string",
            Kind::Integer => "integer",
            Kind::Pattern => "pattern",
            Kind::PureToken => "pure-token",
            Kind::OneOf => "oneof",
            Kind::Block => "block",
        }
    }
}

/// The arguments that `syntax` describes.
pub fn arguments(syntax: &str) -> Vec<Argument> {
    let spaced = ["[", "]", "(", ")", "|", "..."]
        .iter()
        .fold(syntax.to_string(), |text, mark| text.replace(mark, &format!(" {mark} ")));
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut next = 0;
    sequence(&words, &mut next)
}

/// Parses arguments up to a closing mark or the end. A `|` makes them the options of a choice.
fn sequence(words: &[&str], next: &mut usize) -> Vec<Argument> {
    let mut choices: Vec<Vec<Argument>> = vec![Vec::new()];
    while let Some(&word) = words.get(*next) {
        *next += 1;
        let here = choices.last_mut().expect("a sequence has at least one choice");
        match word {
            "]" | ")" => break,
            "|" => {
                choices.push(Vec::new());
                continue;
            }
            "..." => {
                if let Some(last) = here.last_mut() {
                    last.multiple = true;
                }
            }
            "[" | "(" => {
                let mut inner = group(sequence(words, next));
                inner.optional = word == "[";
                here.push(inner);
            }
            word => here.push(single(word)),
        }
        merge_token(here);
    }
    if choices.len() == 1 {
        return choices.remove(0);
    }
    let parts: Vec<Argument> = choices.into_iter().map(group).collect();
    let name = parts.first().map_or_else(String::new, |part| part.name.clone());
    vec![Argument { name, kind: Kind::OneOf, token: None, optional: false, multiple: false, parts }]
}

/// Joins a keyword and its value, such as `EX seconds`, into one argument with a token.
fn merge_token(here: &mut Vec<Argument>) {
    if here.len() < 2 {
        return;
    }
    let (token, value) = (&here[here.len() - 2], &here[here.len() - 1]);
    let joins = token.kind == Kind::PureToken
        && !token.optional
        && matches!(value.kind, Kind::Text | Kind::Integer | Kind::Pattern)
        && value.token.is_none()
        && !value.optional;
    if joins {
        let mut value = here.pop().expect("there are two arguments");
        value.token = here.pop().expect("there are two arguments").token;
        here.push(value);
    }
}

fn group(mut parts: Vec<Argument>) -> Argument {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let name = parts.first().map_or_else(String::new, |part| part.name.clone());
    Argument { name, kind: Kind::Block, token: None, optional: false, multiple: false, parts }
}

fn single(word: &str) -> Argument {
    let is_token = word.chars().any(char::is_alphabetic) && !word.chars().any(char::is_lowercase);
    let kind = match word {
        _ if is_token => Kind::PureToken,
        "key" | "newkey" | "source" | "destination" => Kind::Key,
        "pattern" => Kind::Pattern,
        "seconds"
        | "milliseconds"
        | "index"
        | "start"
        | "stop"
        | "cursor"
        | "count"
        | "increment"
        | "decrement"
        | "version"
        | "unix-time-seconds"
        | "unix-time-milliseconds" => Kind::Integer,
        _ => Kind::Text,
    };
    Argument {
        name: word.to_ascii_lowercase(),
        kind,
        token: is_token.then(|| word.to_string()),
        optional: false,
        multiple: false,
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notation_describes_the_arguments() {
        let all = arguments("key path json [NX | XX] [EX seconds] [field value ...]");
        let names: Vec<&str> = all.iter().map(|argument| argument.name.as_str()).collect();
        assert_eq!(names, ["key", "path", "json", "nx", "seconds", "field"]);
        assert_eq!(all[0].kind, Kind::Key);
        assert_eq!(all[3].kind, Kind::OneOf);
        assert!(all[3].optional && all[3].parts.len() == 2);
        assert_eq!(all[4].token.as_deref(), Some("EX"));
        assert_eq!(all[5].kind, Kind::Block);
        assert!(all[5].parts[1].multiple);
    }
}
