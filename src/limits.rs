//! The type that describes a limit which a client can reach.
//!
//! Each module lists its limits as `LIMITS`, next to the constants, with their compiled values.
//! `docs/limits.md` is generated from these lists.

/// One limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The constant's path, as the module's list gives it.
    pub constant: &'static str,
    /// The resource that is limited.
    pub subject: &'static str,
    pub value: u64,
    pub unit: Unit,
    /// The setting that changes the limit; `value` is then its default. Empty if the limit is
    /// fixed.
    pub setting: &'static str,
    /// The effect of exceeding the limit, or the reason for its value.
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

/// Makes a [`Limit`] from the constant with its value: `limit!(PATH_BYTES_MAX, Bytes, "A path", "A
/// longer one is a syntax error.")`.
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
