//! Messages between clients: publish/subscribe and MONITOR.

pub mod publish;
pub mod subscribe;
