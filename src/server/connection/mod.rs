//! Connections of clients: accepting them, reading their requests, running these in batches,
//! writing the replies.
//!
//! | file | what it has |
//! |---|---|
//! | `listener` | the ports, and a task for each client |
//! | `task` | one client's connection, from accept to close |
//! | `dispatch` | a batch of requests: routes, writes that are proposed together, replies in order |
//! | `admission` | what may refuse or delay a request before anything of it is done |
//! | `transact` | the steps of transactions |
//! | `redirect` | requests that a follower leaves to the leader |
//! | `signals` | what ends a wait: the client goes, or the node stops |
//! | `protected_mode` | clients that are turned away at the door |

mod admission;
mod dispatch;
mod listener;
mod protected_mode;
mod redirect;
mod signals;
mod soft_limit;
mod task;
mod transact;

pub use admission::admit;
pub use listener::Listener;
pub(super) use task::STALL_MAX;
