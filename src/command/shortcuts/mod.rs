//! Short names for the most common operations on documents: DELETE, MERGE, QGET and QSET.
pub mod delete;
pub mod merge;
pub mod qget;
pub mod qset;
