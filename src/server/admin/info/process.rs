//! `INFO memory` and `INFO cpu`: figures of the operating system about the process.

use super::text::{human, line};
use crate::command::Inspect;
use crate::env;
use crate::server::state::ServerState;

/// The resident memory is reported as the used memory. The allocator has no statistics that can be
/// read at run time, so fragmentation cannot be separated from use. Fields for features that
/// JsonVault does not have are 0: eviction, lazy freeing, replication backlogs, a cluster bus.
pub fn memory(state: &ServerState, out: &mut String) {
    let memory = state.memory();
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
    let clients = clients_bytes(state);
    let unsent = state.group.status().waiting_bytes as u64;
    let overhead = (memory.startup + clients + unsent).min(memory.resident);
    let dataset = memory.resident - overhead;
    let percent = 100.0 * dataset as f64 / memory.resident.saturating_sub(memory.startup).max(1) as f64;
    line(out, format_args!("used_memory_overhead:{overhead}"));
    line(out, format_args!("used_memory_startup:{}", memory.startup));
    line(out, format_args!("used_memory_dataset:{dataset}"));
    line(out, format_args!("used_memory_dataset_perc:{:.2}%", percent.min(100.0)));
    allocator(memory.resident, out);
    if let Some(total) = env::total_memory_bytes() {
        line(out, format_args!("total_system_memory:{total}"));
        line(out, format_args!("total_system_memory_human:{}", human(total)));
    }
    line(out, format_args!("maxmemory:0"));
    line(out, format_args!("maxmemory_human:0B"));
    line(out, format_args!("maxmemory_policy:noeviction"));
    line(out, format_args!("mem_fragmentation_ratio:{:.2}", ratio(memory.resident, memory.resident)));
    line(out, format_args!("mem_fragmentation_bytes:0"));
    line(out, format_args!("mem_not_counted_for_evict:0"));
    line(out, format_args!("mem_replication_backlog:0"));
    line(out, format_args!("mem_clients_slaves:0"));
    line(out, format_args!("mem_clients_normal:{clients}"));
    line(out, format_args!("mem_cluster_links:0"));
    line(out, format_args!("mem_aof_buffer:{unsent}"));
    line(out, format_args!("mem_allocator:mimalloc"));
    line(out, format_args!("active_defrag_running:0"));
    line(out, format_args!("lazyfree_pending_objects:0"));
    line(out, format_args!("lazyfreed_objects:0"));
}

/// Bytes of memory held for connections.
fn clients_bytes(state: &ServerState) -> u64 {
    state.pubsub.clients.all().iter().map(|client| client.buffers().total()).sum()
}

/// The anonymous resident memory is reported for all figures of the allocator. The rest of the
/// resident memory is the program's file and other mappings.
fn allocator(resident: u64, out: &mut String) {
    let Some(own) = env::resident_anonymous_bytes().map(|own| own.min(resident)) else { return };
    line(out, format_args!("allocator_allocated:{own}"));
    line(out, format_args!("allocator_active:{own}"));
    line(out, format_args!("allocator_resident:{own}"));
    line(out, format_args!("allocator_muzzy:0"));
    line(out, format_args!("allocator_frag_ratio:{:.2}", ratio(own, own)));
    line(out, format_args!("allocator_frag_bytes:0"));
    line(out, format_args!("allocator_rss_ratio:{:.2}", ratio(own, own)));
    line(out, format_args!("allocator_rss_bytes:0"));
    line(out, format_args!("rss_overhead_ratio:{:.2}", ratio(resident, own)));
    line(out, format_args!("rss_overhead_bytes:{}", resident - own));
}

fn ratio(whole: u64, part: u64) -> f64 {
    whole as f64 / part.max(1) as f64
}

pub fn cpu(_state: &ServerState, out: &mut String) {
    let Some(times) = env::cpu_times() else { return };
    line(out, format_args!("used_cpu_sys:{:.6}", times.system));
    line(out, format_args!("used_cpu_user:{:.6}", times.user));
    line(out, format_args!("used_cpu_sys_children:{:.6}", times.system_children));
    line(out, format_args!("used_cpu_user_children:{:.6}", times.user_children));
    let Some(main) = env::main_thread_cpu_times() else { return };
    line(out, format_args!("used_cpu_sys_main_thread:{:.6}", main.system));
    line(out, format_args!("used_cpu_user_main_thread:{:.6}", main.user));
}
