//! The syntax tree of a path.
//!
//! Invariants:
//! * literals are encoded values, so that the same code compares them with a document's values;
//! * the parser bounds the depth: only groups, negations, calls and filters nest, up to a limit; a
//!   chain of steps or operators is a vector.

use super::pattern::Pattern;

/// One step of a path.
#[derive(Clone, Debug)]
pub enum Segment {
    /// `.a`, `[0]`: selects members or elements of a value.
    Child(Selector),
    /// `..a`: selects members or elements of a value and of all its descendants.
    Descendant(Selector),
}

#[derive(Clone, Debug)]
pub enum Selector {
    Name(Box<[u8]>),
    /// A negative index counts from the end. One that reaches before the first element selects the
    /// first.
    Index(i64),
    Wildcard,
    Names(Vec<Box<[u8]>>),
    Indexes(Vec<i64>),
    Slice(Slice),
    Filter(Box<Logic>),
}

/// `start:end:step`, where negative bounds count from the end. The step is at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub step: usize,
}

impl Segment {
    /// Whether the segment matches at most one value.
    pub fn is_single(&self) -> bool {
        matches!(self, Segment::Child(Selector::Name(_) | Selector::Index(_)))
    }
}

/// A path from the document's root (`$`) or from the value that a filter tests (`@`).
#[derive(Clone, Debug)]
pub struct Query {
    pub absolute: bool,
    pub segments: Vec<Segment>,
}

impl Query {
    pub fn is_single(&self) -> bool {
        self.segments.iter().all(Segment::is_single)
    }
}

/// The condition of a filter.
#[derive(Clone, Debug)]
pub enum Logic {
    Test(Operand),
    Compare(Relation, Operand, Operand),
    Like(Operand, Operand, Option<Pattern>),
    Not(Box<Logic>),
    And(Vec<Logic>),
    Or(Vec<Logic>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    SubsetOf,
    AnyOf,
    NoneOf,
    Size,
    Empty,
}

/// An expression that yields one value, several or none.
#[derive(Clone, Debug)]
pub enum Operand {
    /// One encoded value.
    Literal(Box<[u8]>),
    Query(Query),
    Call(Function, Vec<Operand>, Option<Pattern>),
    /// A call of a function that does not exist or, in a projection, that has a wrong number of
    /// arguments. It yields nothing.
    Nothing,
    /// `-` before a value.
    Negated(Box<Operand>),
    /// A chain of operators of one precedence, applied from left to right.
    Arithmetic(Box<Operand>, Vec<(Operator, Operand)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Length,
    Count,
    Value,
    Ceiling,
    Floor,
    Abs,
    Concat,
    Sum,
    Min,
    Max,
    Average,
    Deviation,
    Keys,
    Append,
    First,
    Last,
    Index,
    Match,
    Search,
}

impl Function {
    /// Each function's name and number of arguments, the receiver of a method call included.
    pub const ALL: [(&'static str, Function, std::ops::RangeInclusive<usize>); 19] = [
        ("length", Function::Length, 1..=1),
        ("count", Function::Count, 1..=1),
        ("value", Function::Value, 1..=1),
        ("ceiling", Function::Ceiling, 1..=1),
        ("floor", Function::Floor, 1..=1),
        ("abs", Function::Abs, 1..=1),
        ("concat", Function::Concat, 1..=64),
        ("sum", Function::Sum, 1..=1),
        ("min", Function::Min, 1..=1),
        ("max", Function::Max, 1..=1),
        ("avg", Function::Average, 1..=1),
        ("stddev", Function::Deviation, 1..=1),
        ("keys", Function::Keys, 1..=1),
        ("append", Function::Append, 2..=2),
        ("first", Function::First, 1..=1),
        ("last", Function::Last, 1..=1),
        ("index", Function::Index, 2..=2),
        ("match", Function::Match, 2..=2),
        ("search", Function::Search, 2..=2),
    ];

    pub fn named(name: &[u8]) -> Option<Function> {
        Function::ALL.iter().find(|row| row.0.as_bytes() == name).map(|row| row.1)
    }

    pub fn takes(self, arguments: usize) -> bool {
        Function::ALL.iter().any(|row| row.1 == self && row.2.contains(&arguments))
    }
}
