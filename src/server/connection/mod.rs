//! Client connections: accepts them, reads requests, runs them in batches, writes the replies.
//!
//! Each connection is one task. It decodes the requests that have arrived into a batch, takes each
//! request through admission, and runs it on its command's route. Consecutive writes of a batch
//! become one proposal; any other command first flushes the writes before it, so that it sees their
//! effects and its reply follows theirs.
//!
//! | file | owns |
//! |---|---|
//! | `listener` | the bound ports, protected mode, a task for each client |
//! | `task` | one connection, from accept to close |
//! | `dispatch` | running a batch of requests: the route of each |
//! | `read_write` | reads and writes of a batch, the read barrier, the order of replies |
//! | `read_ahead` | how much of a pipeline is read before it runs |
//! | `admission` | the checks that can refuse, delay or redirect a request before it runs |
//! | `redirect` | requests that a follower redirects to the leader |
//! | `soft_limit` | how long a client's output may stay over the soft limit |
//! | `signals` | the events that end a wait: the client disconnects, or the node stops |
//! | `transact` | MULTI, EXEC, WATCH |

mod admission;
mod dispatch;
mod listener;
mod permit;
mod read_ahead;
mod read_write;
mod redirect;
mod signals;
mod soft_limit;
mod task;
mod transact;

pub use admission::admit;
pub use listener::Listener;
pub(super) use task::STALL_MAX;
