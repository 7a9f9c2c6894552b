//! The JSON commands, as RedisJSON has them, and some that it lacks.
//!
//! [`target`] finds and edits the locations of a path; [`render`] and [`expand`] word what is
//! found.

pub mod arithmetic;
pub mod array;
mod create;
mod errors;
mod expand;
pub mod get;
pub mod inspect;
pub mod measure;
pub mod merge;
pub mod mset;
pub mod patch;
mod patch_operation;
mod pointer;
pub mod remove;
mod render;
pub mod scalar;
pub mod set;
mod set_options;
mod target;
