//! The environment of the process: time, randomness, threads, disks and the network between nodes.
//!
//! Everything that can differ between two runs of the program comes through this module, so that a
//! test can replace it by a clock that the test controls, a seed, or a disk that loses power
//! (`testkit`). Elsewhere, `clippy.toml` forbids the corresponding functions of the standard
//! library.
//!
//! Invariants:
//! * a simulation uses only its own thread, and its seed determines every random number and delay;
//! * [`Clock::elapsed`] never decreases;
//! * nothing here depends on the content that is stored or sent.

mod background;
mod clock;
mod disk;
mod entropy;
mod net;
mod process;

pub use background::{Background, Delays, spawn_thread};
pub use clock::{Clock, SystemClock};
pub use disk::{BLOCK_BYTES, Blocks, Disk, DiskFile, DiskLock, Open, RealDisk};
#[cfg(feature = "testkit")]
pub use entropy::replace_random;
pub use entropy::{random_u64, secret_bytes};
pub use net::{Acceptor, Connection, Net, RealNet};
pub use process::{CpuTimes, cpu_times, main_thread_cpu_times};
pub use process::{raise_file_limit, resident_anonymous_bytes, resident_bytes, total_memory_bytes};
