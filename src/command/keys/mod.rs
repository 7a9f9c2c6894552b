//! Commands about keys of any type: existence, deadlines, names and iteration.

pub mod delete;
pub mod expire;
pub mod inspect;
pub mod relocate;
pub mod scan;
