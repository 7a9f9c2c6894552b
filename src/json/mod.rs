//! Documents: JSON values in one compact, immutable buffer each.
mod build;
mod document;
mod inspect;
mod limits;
pub mod parse;
pub mod path;
mod place;
mod value;

pub use build::{Builder, Open};
pub use document::Document;
pub use limits::{
    DEPTH_MAX, DOCUMENT_BYTES_CEILING, DOCUMENT_BYTES_DEFAULT, ParseLimits, TOO_DEEP, TOO_LARGE,
};
pub use parse::{BadJson, parse, parse_into};
pub use place::Place;
pub use value::{Elements, Kind, Member, Members, Value};
