//! Real server processes, their clients, and the load and the faults to which tests expose them.
//!
//! Invariants:
//! * a process ends when the value that owns it is dropped;
//! * ports and directories are not fixed, so tests can run in parallel;
//! * tests wait for conditions ([`wait::until`]), and for time to pass only where a node shows no
//!   condition.

pub mod client;
pub mod cluster;
pub mod crowd;
pub mod documents;
#[cfg(target_os = "linux")]
pub mod faults;
pub mod load;
pub mod node;
pub mod wait;

pub use client::Client;
pub use cluster::Cluster;
pub use crowd::Crowd;
pub use load::Load;
pub use node::TestNode;

/// A random number generator that prints its seed, so that a failed test can be repeated.
pub struct Dice(u64);

impl Dice {
    /// A generator with the seed `JSONVAULT_SEED`, or with a random seed.
    pub fn new() -> Dice {
        let given = std::env::var("JSONVAULT_SEED").ok().and_then(|seed| seed.parse().ok());
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let seed = given.unwrap_or(since.as_nanos() as u64 | 1);
        println!("JSONVAULT_SEED={seed}");
        Dice(seed)
    }

    /// A random number less than `bound` (splitmix64).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The number of rounds of a repeated test: `JSONVAULT_ROUNDS`, or `short` if that is not set.
pub fn rounds(short: u64) -> u64 {
    size("JSONVAULT_ROUNDS", short)
}

/// The size of a test: the value of the environment variable, or `short` if that is not set.
pub fn size(variable: &str, short: u64) -> u64 {
    std::env::var(variable).ok().and_then(|size| size.parse().ok()).unwrap_or(short)
}
