//! Properties of a value: its type's name, its number of children, its depth.

use super::limits::DEPTH_MAX;
use super::value::{Kind, Value};

impl<'a> Value<'a> {
    /// The number of elements of an array or members of an object; 0 for any other value.
    pub fn count(self) -> usize {
        match self.kind() {
            Kind::Array => self.elements().count(),
            Kind::Object => self.members().count(),
            _ => 0,
        }
    }

    /// The element at this index; `None` if there is none or the value is not an array.
    pub fn nth(self, index: usize) -> Option<Value<'a>> {
        self.elements().nth(index)
    }

    /// RedisJSON's name for the type, as JSON.TYPE returns it. A whole number above `i64::MAX` is
    /// an integer too.
    pub fn type_name(self) -> &'static str {
        match self.kind() {
            Kind::Null => "null",
            Kind::False | Kind::True => "boolean",
            Kind::Int | Kind::Uint => "integer",
            Kind::Float => "number",
            Kind::Text | Kind::TextEscaped => "string",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }

    /// The number of containers on the deepest path through the value, itself included: 0 for a
    /// scalar, 1 for `[]`.
    pub fn depth(self) -> usize {
        fn deepest<'a>(children: impl Iterator<Item = Value<'a>>, level: usize) -> usize {
            children.map(|child| below(child, level)).max().unwrap_or(level)
        }
        fn below(value: Value<'_>, level: usize) -> usize {
            // Stops at the depth limit, because unchecked bytes could nest deeper than the stack
            // allows. No caller needs a depth above the limit.
            match value.kind() {
                _ if level > DEPTH_MAX => level,
                Kind::Array => deepest(value.elements(), level + 1),
                Kind::Object => deepest(value.members().map(|member| member.value), level + 1),
                _ => level,
            }
        }
        below(self, 0)
    }
}

#[cfg(test)]
mod tests {
    use crate::json::parse::tests::document;

    #[test]
    fn types_have_the_names_of_redisjson() {
        for (text, name) in [
            ("null", "null"),
            ("true", "boolean"),
            ("1", "integer"),
            ("18446744073709551615", "integer"),
            ("1.0", "number"),
            ("-0", "number"),
            ("\"\"", "string"),
            ("[]", "array"),
            ("{}", "object"),
        ] {
            assert_eq!(document(text).root().type_name(), name, "{text}");
        }
    }

    #[test]
    fn depth_counts_nested_containers() {
        for (text, depth) in
            [("1", 0), ("[]", 1), ("{}", 1), ("[1,[2],[[3],4]]", 3), ("{\"a\":{\"b\":[]}}", 3)]
        {
            assert_eq!(document(text).root().depth(), depth, "{text}");
        }
    }

    #[test]
    fn elements_and_members_are_counted_and_found() {
        let array = document("[10,[1,2],30]");
        assert_eq!(array.root().count(), 3);
        assert_eq!(array.root().nth(2).and_then(|element| element.as_i64()), Some(30));
        assert!(array.root().nth(3).is_none());
        assert_eq!(document("{\"a\":1,\"b\":[1,2,3]}").root().count(), 2);
        assert_eq!(document("\"text\"").root().count(), 0);
    }
}
