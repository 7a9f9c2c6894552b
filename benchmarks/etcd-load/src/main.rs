//! Puts the same load on etcd or on JsonVault: a number of clients, each with its own connection
//! and one request in flight, for a number of seconds.
//!
//! ```text
//! etcd-load etcd|jsonvault load|put|get HOST:PORT [--clients 50] [--seconds 5] [--keys 10000]
//! ```
//! `load` writes each key once. The program prints the requests per second, and the median and the
//! 99th percentile of their latency in milliseconds. It exits with a non-zero code at the first
//! error. Reads are linearizable in both systems, which is their default.

mod resp;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use etcd_client::KvClient;
use resp::Connection;

/// A document of 250 bytes, the same as in scripts/benchmark-raft.sh. etcd stores it as a plain
/// text.
const DOCUMENT: &str = r#"{"id":1234567,"name":"Alice Example","email":"alice@example.org","age":34,"active":true,"score":98.25,"tags":["alpha","beta","gamma"],"address":{"street":"1 Long Street","city":"Springfield","zip":"12345"},"note":"a few more words to make it whole."}"#;
const _: () = assert!(DOCUMENT.len() == 250);
/// The timeout of a request. If the server hangs, the run ends with an error.
const PATIENCE: Duration = Duration::from_secs(10);

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Load,
    Put,
    Get,
}

struct Options {
    is_etcd: bool,
    work: Work,
    address: String,
    clients: u64,
    seconds: f64,
    keys: u64,
}

impl Options {
    fn parse(words: &[String]) -> Option<Options> {
        let [server, work, address, flags @ ..] = words else { return None };
        let is_etcd = match server.as_str() {
            "etcd" => true,
            "jsonvault" => false,
            _ => return None,
        };
        let work = match work.as_str() {
            "load" => Work::Load,
            "put" => Work::Put,
            "get" => Work::Get,
            _ => return None,
        };
        let mut options =
            Options { is_etcd, work, address: address.clone(), clients: 50, seconds: 5.0, keys: 10_000 };
        for flag in flags.chunks(2) {
            match flag {
                [name, value] if name == "--clients" => options.clients = value.parse().ok()?,
                [name, value] if name == "--seconds" => options.seconds = value.parse().ok()?,
                [name, value] if name == "--keys" => options.keys = value.parse().ok()?,
                _ => return None,
            }
        }
        (options.clients > 0 && options.keys > 0).then_some(options)
    }
}

enum Client {
    Etcd(KvClient),
    JsonVault(Connection),
}

impl Client {
    async fn connect(options: &Options) -> Outcome<Client> {
        if options.is_etcd {
            // Each call of `connect` opens a new connection.
            let client = etcd_client::Client::connect([format!("http://{}", options.address)], None).await?;
            return Ok(Client::Etcd(client.kv_client()));
        }
        Ok(Client::JsonVault(Connection::open(&options.address).await?))
    }

    async fn put(&mut self, key: &str) -> Outcome<()> {
        match self {
            Client::Etcd(client) => client.put(key, DOCUMENT, None).await.map(|_| ())?,
            Client::JsonVault(connection) => {
                let answer = connection.call(&["JSON.SET", key, "$", DOCUMENT]).await?;
                if answer != b"OK" {
                    return Err(format!("{key}: {}", String::from_utf8_lossy(answer)).into());
                }
            }
        }
        Ok(())
    }

    async fn get(&mut self, key: &str) -> Outcome<()> {
        let found = match self {
            Client::Etcd(client) => {
                let answer = client.get(key, None).await?;
                answer.kvs().first().map_or(0, |pair| pair.value().len())
            }
            // The reply is an array of the path's matches, so it is longer than the document.
            Client::JsonVault(connection) => {
                connection.call(&["JSON.GET", key, "$"]).await?.len().saturating_sub(2)
            }
        };
        match found == DOCUMENT.len() {
            true => Ok(()),
            false => Err(format!("{key}: the reply has {found} bytes of a document").into()),
        }
    }
}

/// Runs one client until the end. Returns the latency of each request in microseconds.
async fn drive(options: Arc<Options>, number: u64, next: Arc<AtomicU64>, end: Instant) -> Outcome<Vec<u32>> {
    let mut client = Client::connect(&options).await?;
    let mut took = Vec::new();
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(number + 1);
    loop {
        let key = match options.work {
            Work::Load => next.fetch_add(1, Ordering::Relaxed),
            _ => {
                // Xorshift, a simple random number generator.
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                dice % options.keys
            }
        };
        let began = Instant::now();
        if (options.work == Work::Load && key >= options.keys) || (options.work != Work::Load && began >= end) {
            return Ok(took);
        }
        let key = format!("doc:{key:012}");
        let answered = async {
            match options.work {
                Work::Load | Work::Put => client.put(&key).await,
                Work::Get => client.get(&key).await,
            }
        };
        tokio::time::timeout(PATIENCE, answered).await??;
        took.push(began.elapsed().as_micros() as u32);
    }
}

async fn run(options: Options) -> Outcome<()> {
    let options = Arc::new(options);
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(options.seconds);
    let clients = (0..options.clients)
        .map(|number| tokio::spawn(drive(options.clone(), number, next.clone(), end)))
        .collect::<Vec<_>>();
    let mut took = Vec::new();
    for client in clients {
        took.extend(client.await??);
    }
    let seconds = began.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |part: f64| {
        let place = (took.len() as f64 * part) as usize;
        took.get(place.min(took.len().saturating_sub(1))).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    };
    println!("{:.0} {:.2} {:.2}", took.len() as f64 / seconds, at(0.5), at(0.99));
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(options) = Options::parse(&words) else {
        eprintln!(
            "usage: etcd-load etcd|jsonvault load|put|get HOST:PORT [--clients 50] [--seconds 5] [--keys 10000]"
        );
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("etcd-load: {error}");
            ExitCode::FAILURE
        }
    }
}
