//! The world outside the process: time, randomness, threads, disks and the network between nodes.
//!
//! Everything that two runs of the same program could see differently comes through here, so that a test can
//! replace it: a [`ManualClock`] that moves when told, a seeded [`Random`], a [`SimDisk`] that loses power.
//! `clippy.toml` bans the standard library's own doors elsewhere.

mod background;
mod clock;
mod disk;
mod net;
mod process;
mod random;
mod thread;

pub use background::Background;
pub use clock::{Clock, ManualClock, SystemClock};
pub use disk::{Disk, DiskFile, DiskLock, Op, Open, RealDisk, SECTOR_BYTES, SimDisk};
pub use net::{Acceptor, BoxFuture, Connection, Net, RealNet};
pub use process::{CpuTimes, cpu_times, main_thread_cpu_times};
pub use process::{raise_file_limit, resident_anonymous_bytes, resident_bytes, total_memory_bytes};
pub use random::Random;
pub use thread::spawn_thread;
