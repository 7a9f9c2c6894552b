//! The server binary: reads the settings, runs one node, and turns its outcome into an exit code.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use jsonvault::config::Config;
use jsonvault::error::Fatal;
use jsonvault::node::Node;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Documents are allocated by the tasks of connections and freed by the task that applies the next
/// write, so frees across threads have to be cheap. benchmarks/README.md has the memory per
/// document with this allocator; others were not measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Large enough that the allocator gives it pages of its own.
const LARGE_BYTES: usize = 4 << 20;

/// Small entries are written by the consensus task itself. When the disk hangs, another thread has
/// to reply to clients.
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
        // First: a signal without a handler kills the process.
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

/// Makes the allocator return freed memory to the system, which it otherwise does when something
/// large is freed next. An idle node frees nothing, and would keep the memory of its last requests.
async fn return_memory() {
    let mut interval = tokio::time::interval(Duration::from_secs(1));
    loop {
        interval.tick().await;
        // Never written to: two calls to the allocator and no page.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE_BYTES)));
    }
}

/// A bare level applies to our own messages. Those of openraft are shown from `error` on, since it
/// warns of each heartbeat to a member that is down; a filter can ask for more. Its front tells
/// only that it has stopped, to each message of another node that arrives during a shutdown; why it
/// stopped otherwise, the node tells itself.
fn filter(loglevel: &str) -> String {
    let level = match loglevel {
        // redis.conf's names.
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

/// A second signal is for an operator who does not want to wait for clients. As after a crash,
/// every acknowledged write is in the log.
fn end_at_once() -> ! {
    eprintln!("server: ended at once by a second signal");
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
