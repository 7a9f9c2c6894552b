//! Cuts of the network.

use super::{DOWN_MS_MAX, Faults, Scene};
use crate::net::Network;

/// The longest time for which a flapping link stays as it is.
const FLAP_MS_MAX: u64 = 300;

/// A link that is cut and heals, again and again.
pub struct Flapping {
    one: usize,
    other: usize,
    is_cut: bool,
    next_ms: u64,
    until_ms: u64,
    every_ms: u64,
}

impl Faults {
    pub(super) fn cut(&mut self, scene: &mut Scene<'_>, one: usize, other: usize) {
        scene.network.heal();
        let ways = self.random.below(6);
        let what = [
            "receives from no node",
            "is received by no node",
            "is alone",
            "does not reach another",
            "and another are apart",
            "has only one other to talk to",
        ];
        scene.note(format!("n{} {} (n{})", one + 1, what[ways as usize], other + 1));
        let meant = |host: usize| match ways {
            0..3 => true,
            3..5 => host == other,
            _ => host != other,
        };
        for host in (0..scene.hosts.len()).filter(|host| *host != one && meant(*host)) {
            scene.network.set_cut(host, one, matches!(ways, 0 | 2 | 4 | 5));
            scene.network.set_cut(one, host, matches!(ways, 1..=5));
        }
        self.heal_ms = Some(scene.now_ms + self.random.below(DOWN_MS_MAX));
    }

    /// Parts the nodes into two groups.
    pub(super) fn split(&mut self, scene: &mut Scene<'_>) {
        scene.network.heal();
        let sides: Vec<bool> = scene.hosts.iter().map(|_| self.random.one_in(2)).collect();
        scene.note(format!("the network is split: {sides:?}"));
        for (one, side) in sides.iter().enumerate() {
            for (other, _) in sides.iter().enumerate().filter(|(_, there)| *there != side) {
                scene.network.set_cut(one, other, true);
            }
        }
        self.heal_ms = Some(scene.now_ms + self.random.below(DOWN_MS_MAX));
    }

    pub(super) fn begin_flapping(&mut self, scene: &mut Scene<'_>, one: usize, other: usize) {
        let (now_ms, every_ms) = (scene.now_ms, 1 + self.random.below(FLAP_MS_MAX));
        scene.note(format!("the link between n{} and n{} flaps every {every_ms} ms", one + 1, other + 1));
        let until_ms = now_ms + self.random.below(DOWN_MS_MAX);
        self.flapping = Some(Flapping { one, other, is_cut: false, next_ms: now_ms, until_ms, every_ms });
    }

    /// Cuts or heals the link that flaps, when it is time.
    pub(super) fn flap(&mut self, now_ms: u64, network: &Network, trace: &mut Vec<String>) {
        let Some(flapping) = self.flapping.as_mut().filter(|flapping| flapping.next_ms <= now_ms) else {
            return;
        };
        flapping.is_cut = !flapping.is_cut && now_ms < flapping.until_ms;
        network.set_cut(flapping.one, flapping.other, flapping.is_cut);
        network.set_cut(flapping.other, flapping.one, flapping.is_cut);
        flapping.next_ms = now_ms + flapping.every_ms;
        if now_ms >= flapping.until_ms {
            trace.push("the link is stable again".to_string());
            self.flapping = None;
        }
    }
}
