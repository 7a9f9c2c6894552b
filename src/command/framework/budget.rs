//! Limits the size of the reply to one request, or of the replies of one transaction.
//!
//! A request of a few kilobytes can name a large document a thousand times, and the whole reply is
//! built before its first byte is sent. Commands therefore spend from a [`Budget`] while they build
//! the parts of a reply.
//!
//! Invariant: a budget never grows, and a command that would spend more than is left ends with an
//! error.

use crate::error::CommandError;
use crate::json::{Kind, Style, Value};
use crate::resp::Reply;

/// Maximum size of a reply: room for four documents of the default maximum size, or half of the
/// longest string.
pub const REPLY_BYTES_MAX: usize = 256 << 20;

/// The number of bytes that the reply may still take.
#[derive(Debug)]
pub struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { left: REPLY_BYTES_MAX }
    }
}

impl Budget {
    /// The error for a reply that would be too large.
    pub const SPENT: CommandError = CommandError::fixed("ERR the reply would be larger than 268435456 bytes");

    /// Subtracts `bytes`.
    ///
    /// # Errors
    /// If fewer bytes are left.
    pub fn spend(&mut self, bytes: usize) -> Result<(), CommandError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(0);
        left.map(drop).ok_or(Budget::SPENT)
    }

    pub fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Subtracts the size of a value printed as JSON text inside `level` containers. That is about
    /// the length of its encoding, plus indentation and newlines.
    pub fn spend_on_text(
        &mut self,
        value: Value<'_>,
        style: &Style<'_>,
        level: usize,
    ) -> Result<(), CommandError> {
        self.spend(value.encoded().len())?;
        if style.is_compact() { Ok(()) } else { self.spend_on_lines(value, style, level) }
    }

    fn spend_on_lines(
        &mut self,
        value: Value<'_>,
        style: &Style<'_>,
        level: usize,
    ) -> Result<(), CommandError> {
        let indent = style.indent.len().saturating_mul(level + 1);
        self.spend(style.newline.len().saturating_add(indent).saturating_add(style.space.len()))?;
        match value.kind() {
            Kind::Array => {
                value.elements().try_for_each(|child| self.spend_on_lines(child, style, level + 1))
            }
            Kind::Object => {
                let mut members = value.members();
                members.try_for_each(|member| self.spend_on_lines(member.value, style, level + 1))
            }
            _ => Ok(()),
        }
    }

    /// Subtracts the size of a reply that exists already and becomes a part of a larger one.
    pub fn spend_on_reply(&mut self, reply: &Reply) -> Result<(), CommandError> {
        self.spend(reply.bytes())
    }

    /// Subtracts the size of a value that is converted to a reply for each of its parts.
    pub fn spend_on_replies(&mut self, value: Value<'_>) -> Result<(), CommandError> {
        self.spend(size_of::<Reply>())?;
        match value.kind() {
            Kind::Array => value.elements().try_for_each(|child| self.spend_on_replies(child)),
            Kind::Object => value.members().try_for_each(|member| {
                self.spend(size_of::<Reply>() + member.key.len())?;
                self.spend_on_replies(member.value)
            }),
            _ => self.spend(value.encoded().len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Document, ParseLimits};

    fn parsed(text: &str) -> Document {
        crate::json::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
    }

    #[test]
    fn the_bytes_spent_cover_the_bytes_printed() {
        let document = parsed(r#"{"a":[1,2,{"b":[]}],"c":"text"}"#);
        let (indent, newline, space) = ([b' '; 40], [b'\n'; 3], [b' '; 5]);
        for style in [Style::default(), Style { indent: &indent, newline: &newline, space: &space }] {
            let mut budget = Budget::default();
            budget.spend_on_text(document.root(), &style, 0).unwrap();
            let mut out = Vec::new();
            crate::json::print(document.root(), &style, &mut out);
            let spent = REPLY_BYTES_MAX - budget.left;
            assert!(spent * 2 > out.len() && spent < out.len() * 2 + 100, "{spent} for {}", out.len());
        }
    }

    #[test]
    fn a_spent_budget_refuses_more() {
        let document = parsed(&format!("[{}]", vec!["1"; 1000].join(",")));
        let wide = [b' '; 1 << 20];
        let style = Style { indent: &wide, ..Style::default() };
        assert_eq!(Budget::default().spend_on_text(document.root(), &style, 0), Err(Budget::SPENT));
        assert_eq!(Budget::default().spend_on_replies(document.root()), Ok(()));
        assert_eq!(Budget::default().spend(REPLY_BYTES_MAX + 1), Err(Budget::SPENT));
        assert!(Budget::SPENT.line().contains(&REPLY_BYTES_MAX.to_string()));
    }
}
