//! Commands about keys, whatever they hold.
pub mod delete;
pub mod expire;
pub mod inspect;
pub mod relocate;
pub mod scan;
