//! Documents: JSON values in one compact, immutable buffer each.
mod build;
mod document;
pub mod path;
mod place;
mod value;

pub use build::{Builder, Open};
pub use document::Document;
pub use place::Place;
pub use value::{Elements, Kind, Member, Members, Value};
