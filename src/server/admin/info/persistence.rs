//! `INFO persistence`: the snapshots, under Redis' names for its RDB files, and the log, under
//! those for its AOF.

use std::time::Duration;

use super::text::line;
use crate::command::Inspect;
use crate::server::state::ServerState;

pub fn persistence(state: &ServerState, out: &mut String) {
    let (status, saves) = (state.group.status(), state.group.snapshot_stats());
    let seconds = |time: Option<Duration>| time.map_or(-1, |time| time.as_secs() as i64);
    // Entries of the log, since nobody counts what is in them.
    let changes = status.last_applied.map_or(0, |applied| {
        status.snapshot_index.map_or(applied + 1, |saved| applied.saturating_sub(saved))
    });
    line(out, format_args!("loading:{}", u8::from(!state.group.is_loaded())));
    line(out, format_args!("async_loading:0"));
    line(out, format_args!("rdb_changes_since_last_save:{changes}"));
    line(out, format_args!("rdb_bgsave_in_progress:{}", u8::from(status.snapshot_running)));
    line(out, format_args!("rdb_last_save_time:{}", state.last_save_seconds()));
    line(out, format_args!("rdb_last_bgsave_status:{}", if status.snapshot_failed { "err" } else { "ok" }));
    line(out, format_args!("rdb_last_bgsave_time_sec:{}", seconds(saves.last_took)));
    line(out, format_args!("rdb_current_bgsave_time_sec:{}", seconds(saves.running_for)));
    line(out, format_args!("rdb_saves:{}", saves.ended));
    line(out, format_args!("aof_enabled:1"));
    line(out, format_args!("aof_rewrite_in_progress:{}", u8::from(status.snapshot_running)));
    line(out, format_args!("aof_rewrite_scheduled:0"));
    line(out, format_args!("aof_current_size:{}", status.log.bytes));
    line(out, format_args!("aof_last_write_status:{}", if status.log.poisoned { "err" } else { "ok" }));
    line(out, format_args!("log_syncs:{}", status.log.syncs));
    line(out, format_args!("log_writes:{}", status.log.writes));
    line(out, format_args!("log_written_bytes:{}", status.log.written_bytes));
    line(out, format_args!("log_stalled_no_space:{}", u8::from(status.log.stalled)));
}
