//! The vault's own four words: short names for what is done most.
pub mod delete;
pub mod merge;
pub mod qget;
pub mod qset;
