//! Commands about keys, whatever they hold.
pub mod dbsize;
pub mod del;
pub mod exists;
pub mod flushall;
pub mod glob;
pub mod matching;
pub mod scan;
pub mod type_of;
