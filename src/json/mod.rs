//! Documents: JSON values, each in one compact, immutable buffer.
//!
//! [`parse()`] encodes JSON text directly, without a tree; [`Value`] reads the encoding in place,
//! and [`value`] describes it; [`path`] finds values by JSONPath; [`rewrite`] makes an edited copy;
//! [`print()`] turns a value into text again.
//!
//! Invariants:
//! * everything is pure: the same input gives the same result on every replica;
//! * a value has one encoding, so equal edits leave equal bytes;
//! * no input panics, and depth, size and fuel bound the work: never time;
//! * whatever RedisJSON reports to clients (types, orders, error texts) is the same here.
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
