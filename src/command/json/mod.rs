//! The JSON commands, as RedisJSON has them, and some that it lacks.
//!
//! [`target`] finds and edits the places of a path; [`render`] and [`expand`] word what is found.
pub mod arithmetic;
mod create;
pub mod del;
mod errors;
mod expand;
pub mod get;
pub mod merge;
pub mod mget;
pub mod mset;
mod render;
pub mod set;
mod target;
pub mod type_of;
