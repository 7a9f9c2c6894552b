//! JSON Pointers (RFC 6901): where the operations of a patch work.

use serde::{Deserialize, Serialize};

use crate::json::{Kind, Value};

/// The steps from the root, unescaped; none for the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer(Vec<Box<str>>);

impl Pointer {
    /// `None` for invalid text: it does not begin with a slash, or has a bad escape.
    pub fn parse(text: &str) -> Option<Pointer> {
        if text.is_empty() {
            return Some(Pointer(Vec::new()));
        }
        let steps = text.strip_prefix('/')?.split('/');
        steps.map(unescaped).collect::<Option<Vec<_>>>().map(Pointer)
    }

    pub fn split_last(&self) -> Option<(&[Box<str>], &str)> {
        self.0.split_last().map(|(last, before)| (before, &**last))
    }

    pub fn steps(&self) -> &[Box<str>] {
        &self.0
    }

    /// Whether `other` points below this pointer's value.
    pub fn contains(&self, other: &Pointer) -> bool {
        other.0.len() > self.0.len() && other.0.starts_with(&self.0)
    }
}

fn unescaped(step: &str) -> Option<Box<str>> {
    let mut parts = step.split('~');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        out.push(match part.as_bytes().first()? {
            b'0' => '~',
            b'1' => '/',
            _ => return None,
        });
        out.push_str(&part[1..]);
    }
    Some(out.into())
}

/// The value at the steps.
pub fn resolve<'v>(root: Value<'v>, steps: &[Box<str>]) -> Option<Value<'v>> {
    steps.iter().try_fold(root, |value, step| match value.kind() {
        Kind::Object => value.member(step.as_bytes()).map(|member| member.value),
        Kind::Array => value.nth(index(step)?),
        _ => None,
    })
}

/// A step as the index of an element: digits without leading zeros.
pub fn index(step: &str) -> Option<usize> {
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && !step.is_empty() && (step == "0" || !step.starts_with('0'));
    plain.then(|| step.parse().ok()).flatten()
}
