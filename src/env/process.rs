//! Figures and limits that the operating system has for this process.
#![allow(clippy::disallowed_methods, reason = "this module reads the system's own files")]

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Size of a page on every supported system; `/proc` counts memory in pages.
const PAGE_BYTES: u64 = 4096;

/// Resident memory in bytes; `None` on a system without `/proc`.
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

/// Resident memory without mapped files: the allocator's memory and the stacks.
pub fn resident_anonymous_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = text.split_whitespace().skip(1).map(|pages| pages.parse::<u64>().ok());
    let (resident, of_files) = (pages.next()??, pages.next()??);
    Some(resident.saturating_sub(of_files) * PAGE_BYTES)
}

/// Ticks per second in the times of `/proc`; `USER_HZ` is 100 on every supported system.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor times in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuTimes {
    pub system: f64,
    pub user: f64,
    /// System time of child processes that have ended.
    pub system_children: f64,
    pub user_children: f64,
}

/// The processor time of this process; `None` on a system without `/proc`.
pub fn cpu_times() -> Option<CpuTimes> {
    cpu_times_of("/proc/self/stat")
}

/// The processor time of the main thread; `None` on a system without `/proc`.
pub fn main_thread_cpu_times() -> Option<CpuTimes> {
    // On Linux, the main thread's id is that of the process.
    cpu_times_of(&format!("/proc/self/task/{}/stat", std::process::id()))
}

fn cpu_times_of(path: &str) -> Option<CpuTimes> {
    let text = std::fs::read_to_string(path).ok()?;
    // The name in parentheses may itself contain spaces and parentheses.
    let (_, fields) = text.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(|ticks| ticks.parse::<f64>().ok());
    let mut next = || Some(times.next()?? / TICKS_PER_SECOND);
    let (user, system) = (next()?, next()?);
    Some(CpuTimes { user, system, user_children: next()?, system_children: next()? })
}

/// The memory of this machine in bytes; `None` on a system without `/proc`.
pub fn total_memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Raises the limit on open files to `wanted`, or to the hard limit if that is lower. Returns the
/// resulting limit; `None` if the system has no such limit.
pub fn raise_file_limit(wanted: u64) -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let raised = wanted.min(hard);
    if soft >= raised {
        return Some(soft);
    }
    Some(setrlimit(Resource::RLIMIT_NOFILE, raised, hard).map_or(soft, |()| raised))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_limit_on_files_is_raised_up_to_the_hard_limit_and_never_lowered() {
        let all = super::raise_file_limit(u64::MAX).expect("the system has such a limit");
        assert!(all > 0);
        assert_eq!(super::raise_file_limit(1), Some(all));
    }

    #[test]
    fn the_machine_has_more_memory_than_the_process() {
        let (own, all) = (super::resident_bytes(), super::total_memory_bytes());
        assert!(own.zip(all).is_none_or(|(own, all)| own < all));
    }

    #[test]
    fn time_that_was_spent_counts() {
        let Some(before) = super::cpu_times() else { return };
        assert!(before.user >= 0.0 && before.system >= 0.0 && before.user < 1e6);
        assert_eq!(before.user_children, 0.0, "a test has no children");
        let main = super::main_thread_cpu_times().expect("the process has a first thread");
        let after = super::cpu_times().expect("the times could be read before");
        assert!(main.user <= after.user && main.system <= after.system);
    }

    #[test]
    fn a_process_has_some_memory() {
        assert!(super::resident_bytes().is_none_or(|bytes| bytes > 100_000));
        let (all, own) = (super::resident_bytes(), super::resident_anonymous_bytes());
        assert!(all.zip(own).is_none_or(|(all, own)| own > 0 && own < all));
    }
}
