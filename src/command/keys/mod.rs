//! Commands about keys, whatever they hold.
pub mod copy;
pub mod dbsize;
pub mod del;
pub mod exists;
pub mod expire;
pub mod flushall;
pub mod matching;
pub mod object;
pub mod persist;
pub mod randomkey;
pub mod reap;
pub mod rename;
pub mod renamenx;
pub mod scan;
pub mod ttl;
pub mod type_of;
