//! The server binary: reads the settings, runs one node, and turns its outcome into an exit code.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use jsonvault::config::Config;
use jsonvault::error::Fatal;
use jsonvault::node::Node;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The allocator. The tasks of connections allocate documents, and the task that applies a later
/// write frees them, so freeing memory of another thread has to be cheap. benchmarks/README.md has
/// the memory per document with this allocator; other allocators were not measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Size of an allocation that is large enough to get its own pages from the allocator.
const LARGE_BYTES: usize = 4 << 20;

/// Resident memory from which the allocator's memory may consist of huge pages. Below it, the
/// half-used pages of 2 MiB would be most of the memory of a small server; above it, they make
/// large keyspaces faster.
const HUGE_PAGES_FROM_BYTES: u64 = 128 << 20;

/// Minimum number of threads. The consensus task itself writes small entries; if the disk hangs,
/// another thread has to reply to clients.
const THREADS_MIN: usize = 2;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fatal) => {
            eprintln!("server: {fatal}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Fatal> {
    allow_huge_pages(false);
    let config = Config::load(std::env::args_os())?;
    let filter = EnvFilter::try_new(filter(&config.loglevel))
        .map_err(|error| Fatal::Config(format!("loglevel: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.max(THREADS_MIN))
        .enable_all()
        .build()
        .map_err(|error| Fatal::Config(format!("cannot start the threads: {error}")))?;
    runtime.block_on(async {
        // Done first, because a signal without a handler kills the process.
        let mut signals = StopSignals::new();
        let node = tokio::select! {
            biased;
            node = Node::start(config) => node?,
            () = signals.next() => {
                tracing::info!("stopped before the node was ready");
                return Ok(());
            }
        };
        tracing::info!(address = %node.address(), "ready to accept connections");
        tokio::spawn(return_memory());
        let (stop, stopping) = tokio::sync::oneshot::channel();
        let mut running = std::pin::pin!(node.run(async { drop(stopping.await) }));
        tokio::select! {
            outcome = &mut running => return outcome,
            () = signals.next() => drop(stop.send(())),
        }
        tokio::select! {
            outcome = &mut running => outcome,
            () = signals.next() => end_at_once(),
        }
    })
}

/// Forbids or allows transparent huge pages for this process. If the system refuses, its own
/// setting stays in force.
fn allow_huge_pages(allowed: bool) {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(!allowed);
    #[cfg(not(target_os = "linux"))]
    let _ = allowed;
}

/// Makes the allocator return freed memory to the system every second, and allows huge pages once
/// [`HUGE_PAGES_FROM_BYTES`] are resident. On its own, the allocator returns memory only when
/// something large is freed; an idle node frees nothing, and would keep the memory of its last
/// requests.
async fn return_memory() {
    let mut interval = tokio::time::interval(Duration::from_secs(1));
    let mut huge_pages = false;
    loop {
        interval.tick().await;
        if !huge_pages && jsonvault::env::resident_bytes().is_some_and(|bytes| bytes >= HUGE_PAGES_FROM_BYTES)
        {
            huge_pages = true;
            allow_huge_pages(true);
        }
        // Costs two calls to the allocator and no memory page, because the buffer is never written
        // to.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE_BYTES)));
    }
}

/// Turns the setting `loglevel` into a log filter. A bare level applies to all messages except
/// openraft's. Those are shown from `error` on, because openraft warns of each heartbeat to a
/// member that is down; a filter can request more. The target `raft_inner` is silenced: during a
/// shutdown, openraft reports there, for each message of another node, only that it has stopped. If
/// openraft stops for another reason, this program logs the reason itself.
fn filter(loglevel: &str) -> String {
    let level = match loglevel {
        // The names of levels in redis.conf.
        "notice" | "verbose" => "info",
        "warning" => "warn",
        other => other,
    };
    if level.contains(['=', ',']) {
        level.to_string()
    } else {
        format!("{level},openraft=error,openraft::raft::raft_inner=off")
    }
}

/// Ends the process at a second signal, when an operator does not want to wait for clients. As
/// after a crash, every acknowledged write is in the log.
fn end_at_once() -> ! {
    eprintln!("server: a second signal ended the process at once");
    std::process::exit(1)
}

struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn new() -> StopSignals {
        StopSignals {
            terminate: signal(SignalKind::terminate()).expect("SIGTERM can be handled"),
            interrupt: signal(SignalKind::interrupt()).expect("SIGINT can be handled"),
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
