//! What a run does: a seed, and what was taken away from it to find the smallest run that fails.

use std::collections::BTreeSet;

use crate::mistakes::Mistake;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    /// The planted bug, if there is one.
    pub mistake: Option<Mistake>,
    /// The faults that happen; all if `None`.
    pub faults: Option<BTreeSet<usize>>,
    pub clients: usize,
}

/// Enough for conflicts, and few enough for many operations of each.
const CLIENTS: usize = 6;

fn text(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// The number in an environment variable.
pub fn number(variable: &str) -> Option<u64> {
    text(variable)?.parse().ok()
}

impl Plan {
    pub fn of(seed: u64) -> Plan {
        Plan { seed, mistake: None, faults: None, clients: CLIENTS }
    }

    pub fn with(seed: u64, mistake: Mistake) -> Plan {
        Plan { mistake: Some(mistake), ..Plan::of(seed) }
    }

    /// The plan that the environment asks for, if it names a seed.
    pub fn from_environment() -> Option<Plan> {
        let seed = number("JSONVAULT_SEED")?;
        let faults = text("JSONVAULT_FAULTS").map(|list| {
            list.split(',')
                .filter(|part| !part.is_empty())
                .map(|part| part.parse().expect("a fault is a number"))
                .collect()
        });
        let named = |name: String| Mistake::named(&name).unwrap_or_else(|| panic!("no mistake is {name}"));
        let mistake = text("JSONVAULT_MISTAKE").map(named);
        let clients = number("JSONVAULT_CLIENTS").map_or(CLIENTS, |clients| clients as usize);
        Some(Plan { seed, mistake, faults, clients })
    }

    /// The command that runs this plan again.
    pub fn command(&self) -> String {
        let mut command = String::new();
        if let Some(faults) = &self.faults {
            let list: Vec<String> = faults.iter().map(usize::to_string).collect();
            command += &format!("JSONVAULT_FAULTS={} ", list.join(","));
        }
        if self.clients != CLIENTS {
            command += &format!("JSONVAULT_CLIENTS={} ", self.clients);
        }
        if let Some(mistake) = self.mistake {
            command += &format!("JSONVAULT_MISTAKE={mistake:?} ");
        }
        command + &format!("scripts/sim.sh {}", self.seed)
    }
}
