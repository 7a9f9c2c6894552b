//! The JSON commands, as RedisJSON has them, and some that it lacks.
//!
//! [`target`] finds and edits the locations of a path; [`render`] and [`expand`] word what is found.
pub mod arithmetic;
pub mod arrappend;
pub mod arrindex;
pub mod arrinsert;
pub mod arrlen;
pub mod arrpop;
pub mod arrrem;
pub mod arrtrim;
pub mod clear;
mod create;
pub mod debug;
pub mod del;
mod errors;
mod expand;
pub mod get;
mod measure;
pub mod merge;
pub mod mget;
pub mod mset;
pub mod objkeys;
pub mod objlen;
pub mod patch;
mod patch_operation;
mod pointer;
mod render;
pub mod resp;
pub mod set;
mod set_options;
pub mod strappend;
pub mod strlen;
mod target;
pub mod toggle;
pub mod type_of;
pub mod version;
