//! A reply as a client reads it.

use bytes::Bytes;

/// A server's reply in either protocol version. Text that need not be UTF-8 stays bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Simple(Bytes),
    /// The line without its `-`.
    Error(String),
    Integer(i64),
    Double(f64),
    Boolean(bool),
    Bulk(Bytes),
    Verbatim(Bytes),
    /// A whole number beyond 64 bits, as its digits.
    BigNumber(Bytes),
    Null,
    Array(Vec<Value>),
    Set(Vec<Value>),
    /// In the server's order. Pairs, not a table: keys of any type are allowed.
    Map(Vec<(Value, Value)>),
    Push(Vec<Value>),
}

impl Value {
    /// The bytes of a text of any type; `None` for everything else.
    pub fn text(&self) -> Option<&Bytes> {
        match self {
            Value::Simple(bytes) | Value::Bulk(bytes) | Value::Verbatim(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The members of an array, a set or a push; `None` for everything else.
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a map, or of the flat array that stands for one in RESP2.
    pub fn pairs(&self) -> Option<Vec<(&Value, &Value)>> {
        match self {
            Value::Map(pairs) => Some(pairs.iter().map(|(key, value)| (key, value)).collect()),
            Value::Array(items) if items.len() % 2 == 0 => {
                Some(items.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_array_of_even_length_stands_for_a_map() {
        let (one, two) = (Value::Integer(1), Value::Integer(2));
        let map = Value::Map(vec![(one.clone(), two.clone())]);
        let flat = Value::Array(vec![one.clone(), two.clone()]);
        assert_eq!(map.pairs(), flat.pairs());
        assert_eq!(Value::Array(vec![one]).pairs(), None);
        assert_eq!(Value::Bulk("a".into()).text(), Some(&Bytes::from("a")));
        assert_eq!(two.text(), None);
        assert_eq!(flat.items().map(<[Value]>::len), Some(2));
    }
}
