//! Documents: JSON values, each in one compact, immutable buffer.
//!
//! [`parse()`] encodes JSON text directly, without a tree in between; [`Value`] reads the encoding
//! in place, and the module [`value`] describes it; [`path`] finds values by JSONPath; [`rewrite`]
//! makes an edited copy; [`print()`] turns a value into text again.
//!
//! Invariants:
//! * every function is pure: the same input yields the same result on every replica;
//! * a value has only one encoding, so equal edits produce equal bytes;
//! * no input causes a panic, and the work is limited by depth, size and fuel, never by time;
//! * types, orders and error texts that clients see are those of RedisJSON.
mod build;
mod check;
mod document;
pub mod edit;
mod equal;
mod inspect;
mod limits;
mod location;
mod merge;
mod number;
pub mod parse;
pub mod path;
mod print;
#[cfg(test)]
mod properties;
mod run;
mod value;

pub use build::{Builder, Open};
pub use check::{Malformed, check};
pub use document::Document;
pub use edit::{Action, Tail, rewrite};
pub use equal::{equal, same};
pub use limits::{
    DEPTH_MAX, DOCUMENT_BYTES_CEILING, DOCUMENT_BYTES_DEFAULT, LIMITS, ParseLimits, TOO_DEEP, TOO_LARGE,
};
pub use location::{Location, last_by_steps};
pub use merge::merge;
pub use number::{Arithmetic, BAD_OPERAND, NOT_A_NUMBER, NUMERIC_OVERFLOW, Number, is_packed};
pub use parse::{BadJson, parse, parse_into};
pub use print::{Style, print, print_list, print_text, print_within};
pub use value::{Elements, Kind, Member, Members, Value};
