//! `INFO memory` and `INFO cpu`: what the system says of the process.

use super::line;
use crate::command::Inspect;
use crate::env;
use crate::server::shared::Shared;

/// What is used is what is resident: the allocator keeps no statistics that could be read while it works.
pub fn memory(shared: &Shared, out: &mut String) {
    let memory = shared.memory();
    line(out, format_args!("used_memory:{}", memory.resident));
    line(out, format_args!("used_memory_human:{}", human(memory.resident)));
    line(out, format_args!("used_memory_rss:{}", memory.resident));
    line(out, format_args!("used_memory_rss_human:{}", human(memory.resident)));
    line(out, format_args!("used_memory_peak:{}", memory.peak));
    line(out, format_args!("used_memory_peak_human:{}", human(memory.peak)));
    line(
        out,
        format_args!(
            "used_memory_peak_perc:{:.2}%",
            100.0 * memory.resident as f64 / memory.peak.max(1) as f64
        ),
    );
    line(out, format_args!("used_memory_startup:{}", memory.startup));
    line(out, format_args!("used_memory_dataset:{}", memory.resident.saturating_sub(memory.startup)));
    if let Some(total) = env::total_memory_bytes() {
        line(out, format_args!("total_system_memory:{total}"));
        line(out, format_args!("total_system_memory_human:{}", human(total)));
    }
    line(out, format_args!("maxmemory:0"));
    line(out, format_args!("maxmemory_human:0B"));
    line(out, format_args!("maxmemory_policy:noeviction"));
    line(out, format_args!("mem_allocator:mimalloc"));
}

/// Bytes as Redis shows them to people.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2}{}", UNITS[unit])
}

pub fn cpu(_shared: &Shared, out: &mut String) {
    let Some(times) = env::cpu_times() else { return };
    line(out, format_args!("used_cpu_sys:{:.6}", times.system));
    line(out, format_args!("used_cpu_user:{:.6}", times.user));
    line(out, format_args!("used_cpu_sys_children:{:.6}", times.system_children));
    line(out, format_args!("used_cpu_user_children:{:.6}", times.user_children));
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn bytes_are_shown_as_redis_shows_them() {
        let shown = [0, 1023, 1024, 1_572_864, 3 << 30, 5 << 40, u64::MAX].map(human);
        assert_eq!(shown, ["0B", "1023B", "1.00K", "1.50M", "3.00G", "5.00T", "16384.00P"]);
    }
}
