//! Upgrades of three nodes, with power cuts at random moments while the cluster version is raised.
//!
//! Whatever a cut leaves behind, all nodes agree on the version and on the state afterwards, an
//! upgrade that did not get through can be finalized again, and once it is, a node of the earlier
//! release does not start.

use std::collections::BTreeSet;

use jsonvault::cluster::Group;
use jsonvault::random::Random;
use jsonvault::version::Versions;

use crate::checkers::states::digest;
use crate::host::{Host, Settings};
use crate::scene::{ELECTED_WITHIN_MS, Scene};

const SEEDS: u64 = 40;
const NODES: usize = 3;
const OLD: Versions = Versions { min: 1, max: 1 };
const NEW: Versions = Versions { min: 1, max: 2 };
/// The time from the request to the cut: a raise takes a few messages and syncs.
const CUT_WITHIN_MS: u64 = 60;
const SETTLED_WITHIN_MS: u64 = 20_000;

fn leader(scene: &mut Scene) -> Group {
    scene.until("a leader", ELECTED_WITHIN_MS, |hosts| {
        hosts.iter().find(|host| host.leads()).and_then(Host::group).map(|(group, _)| group)
    })
}

fn restart(scene: &mut Scene, index: usize, supported: Versions) {
    let host = &mut scene.hosts[index];
    host.crash(false);
    host.change_release(supported);
    host.start();
}

/// Waits until all nodes have applied the same, and returns the cluster version.
fn agreed_version(scene: &mut Scene) -> u32 {
    scene.until("all to have applied the same", SETTLED_WITHIN_MS, |hosts| {
        let known = |host: &Host| {
            let (group, keyspace) = host.group()?;
            let status = group.status();
            status.leader?;
            Some((status.last_applied, group.cluster_version(), digest(&keyspace)))
        };
        let known = hosts.iter().map(known).collect::<Option<BTreeSet<_>>>()?;
        (known.len() == 1).then(|| known.first().expect("there are nodes").1)
    })
}

/// Asks the leader to finalize, and cuts the power of some nodes a moment later.
fn finalize_and_cut(scene: &mut Scene, random: &mut Random) {
    let group = leader(scene);
    let leading = scene.hosts.iter().find(|host| host.leads()).expect("a node leads");
    leading.spawn(async move { drop(group.finalize().await) });
    scene.pass(random.below(CUT_WITHIN_MS));
    let cut: Vec<usize> = (0..NODES).filter(|_| random.one_in(2)).collect();
    for index in &cut {
        scene.hosts[*index].crash(false);
    }
    scene.pass(random.below(CUT_WITHIN_MS));
    for index in cut {
        scene.hosts[index].start();
    }
}

/// Whether the raise survived the first cut.
fn upgrade(seed: u64) -> bool {
    let mut random = Random::seeded(seed);
    let settings = Settings { supported: OLD, segment_bytes: 16 << 10, ..Settings::roomy(NODES) };
    let mut scene = Scene::started(seed, &settings);
    for index in 0..NODES {
        assert_eq!(agreed_version(&mut scene), 1);
        restart(&mut scene, index, NEW);
    }
    assert_eq!(agreed_version(&mut scene), 1);
    if random.one_in(2) {
        restart(&mut scene, random.below(NODES as u64) as usize, OLD);
        assert_eq!(agreed_version(&mut scene), 1, "a node can go back");
        let group = leader(&mut scene);
        scene.hosts[0].spawn(async move { assert!(group.finalize().await.is_err()) });
        scene.pass(1_000);
        (0..NODES).for_each(|index| restart(&mut scene, index, NEW));
    }
    agreed_version(&mut scene);
    finalize_and_cut(&mut scene, &mut random);
    let survived = agreed_version(&mut scene) == 2;
    while agreed_version(&mut scene) == 1 {
        finalize_and_cut(&mut scene, &mut random);
    }
    let old = random.below(NODES as u64) as usize;
    restart(&mut scene, old, OLD);
    let reason = scene.until("the refusal", SETTLED_WITHIN_MS, |hosts| hosts[old].failure());
    assert!(reason.contains("supports version 1"), "seed {seed}: {reason}");
    restart(&mut scene, old, NEW);
    assert_eq!(agreed_version(&mut scene), 2);
    survived
}

#[test]
fn an_upgrade_that_a_power_cut_interrupts_is_made_whole_or_not_at_all() {
    let survived = (1..=SEEDS).filter(|seed| upgrade(*seed)).count() as u64;
    println!("{survived} of {SEEDS} raises survived the first cut");
    assert!(survived > 0 && survived < SEEDS, "the cuts came both before and after the raise");
}
