//! Real server processes, and a client that sees every byte.
//!
//! Invariants:
//! * no process outlives the value that started it;
//! * no port and no directory is fixed: tests run side by side;
//! * nothing waits for time to pass: [`wait::until`] polls a condition.

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

/// A random number generator that tells how to repeat what it did: the seed is printed, and a
/// failed test shows it.
pub struct Dice(u64);

impl Dice {
    /// From `JSONVAULT_SEED`, or a seed of its own.
    pub fn new() -> Dice {
        let given = std::env::var("JSONVAULT_SEED").ok().and_then(|seed| seed.parse().ok());
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let seed = given.unwrap_or(since.as_nanos() as u64 | 1);
        println!("JSONVAULT_SEED={seed}");
        Dice(seed)
    }

    /// A number below `bound` (splitmix64).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// How many rounds a repeated test plays: `JSONVAULT_ROUNDS`, or the short form.
pub fn rounds(short: u64) -> u64 {
    size("JSONVAULT_ROUNDS", short)
}

/// How large a test is: what the variable says, or the short form.
pub fn size(variable: &str, short: u64) -> u64 {
    std::env::var(variable).ok().and_then(|size| size.parse().ok()).unwrap_or(short)
}
