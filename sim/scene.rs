//! Runs a scenario step by step, as a test directs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonvault::random::Random;

use crate::faults::CALM;
use crate::host::{Host, Settings};
use crate::net::Network;

/// Time within which a leader is elected, even after a cut: enough for several elections.
pub const ELECTED_WITHIN_MS: u64 = 5_000;

pub struct Scene {
    now_ms: u64,
    shared_now: Arc<AtomicU64>,
    pub network: Network,
    pub hosts: Vec<Host>,
}

impl Scene {
    /// Nodes that form a cluster and have just been started.
    pub fn started(seed: u64, settings: &Settings) -> Scene {
        let mut random = Random::seeded(seed);
        let mut stream = || Random::seeded(random.next_u64());
        let network = Network::new(settings.initial_members, CALM, stream().next_u64());
        let shared_now = Arc::new(AtomicU64::new(0));
        let host = |index| Host::new(index, settings.clone(), shared_now.clone(), network.clone(), stream());
        let mut hosts: Vec<Host> = (0..settings.initial_members).map(host).collect();
        hosts.iter_mut().for_each(Host::start);
        Scene { now_ms: 0, shared_now, network, hosts }
    }

    /// Advances the time by a millisecond.
    fn step(&mut self) {
        self.now_ms += 1;
        self.shared_now.store(self.now_ms, Ordering::Relaxed);
        self.network.advance(self.now_ms);
        self.hosts.iter_mut().for_each(Host::step);
    }

    pub fn pass(&mut self, ms: u64) {
        (0..ms).for_each(|_| self.step());
    }

    /// Advances the time until `condition` returns a value.
    ///
    /// # Panics
    /// If that does not happen in time.
    pub fn until<T>(
        &mut self,
        what: &str,
        within_ms: u64,
        mut condition: impl FnMut(&[Host]) -> Option<T>,
    ) -> T {
        for _ in 0..within_ms {
            self.step();
            if let Some(found) = condition(&self.hosts) {
                return found;
            }
        }
        panic!("not within {within_ms} ms: {what}");
    }

    /// Cuts both directions between two nodes.
    pub fn cut(&self, one: usize, other: usize) {
        self.network.set_cut(one, other, true);
        self.network.set_cut(other, one, true);
    }
}
