//! The vocabulary of the limits that a client can meet.
//!
//! Each module lists its limits as `LIMITS`, next to the constants, with their compiled values.
//! `docs/limits.md` is generated from these lists.

/// One limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The constant's path as the list names it.
    pub constant: &'static str,
    /// What is bounded.
    pub subject: &'static str,
    pub value: u64,
    pub unit: Unit,
    /// The setting whose default the value is; empty if the limit is fixed.
    pub setting: &'static str,
    /// What happens beyond the limit, or why it has this value.
    pub note: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Count,
    Seconds,
}

impl Limit {
    pub const fn set_by(self, setting: &'static str) -> Limit {
        Limit { setting, ..self }
    }
}

/// A [`Limit`] from the constant that holds it: `limit!(PATH_BYTES_MAX, Bytes, "A path", "Syntax
/// error beyond.")`.
macro_rules! limit {
    ($constant:expr, $unit:ident, $subject:literal, $note:literal) => {
        $crate::limits::Limit {
            constant: stringify!($constant),
            subject: $subject,
            value: $constant as u64,
            unit: $crate::limits::Unit::$unit,
            setting: "",
            note: $note,
        }
    };
}
pub(crate) use limit;
