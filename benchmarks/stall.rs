//! Measures how long writes wait while a snapshot is taken: `cargo bench --bench stall -- ADDRESS
//! [DOCUMENTS]`.
//!
//! Loads documents, measures single writes on a few connections for some time, and then again while
//! `BGSAVE` runs. Prints the quantiles of both. The server has to be started before, with any flags
//! and on any disk.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark measures time and may stop at once"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const WRITERS: usize = 4;
const CALM: Duration = Duration::from_secs(5);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let Some(address) = words.first() else {
        println!("stall: give the address of a running server");
        return;
    };
    let documents: usize = words.get(1).map_or(1_000_000, |count| count.parse().unwrap());
    load(address, documents);
    let calm = measure(address, documents, |_| std::thread::sleep(CALM));
    report("without a snapshot", calm);
    let mut took = Duration::ZERO;
    let busy = measure(address, documents, |control| {
        let begun = Instant::now();
        let before = field(control, "snapshot_index:");
        call(control, &["BGSAVE"]);
        while field(control, "snapshot_index:") == before {
            std::thread::sleep(Duration::from_millis(20));
        }
        took = begun.elapsed();
    });
    report(&format!("during a snapshot of {documents} documents, {:.1} s", took.as_secs_f64()), busy);
}

fn document(number: usize) -> String {
    format!(
        r#"{{"id":{number},"name":"user {number}","email":"user{number}@example.com","active":true,"score":12.75,"tags":["red","green","blue"],"address":{{"street":"1 Main St","city":"Springfield","zip":"12345"}},"note":"some text that fills the document up to 250"}}"#
    )
}

fn request(words: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    jsonvault::resp::encode_request(words, &mut out);
    out
}

fn load(address: &str, documents: usize) {
    let mut socket = TcpStream::connect(address).unwrap();
    let batch = 1000;
    for first in (0..documents).step_by(batch) {
        let last = (first + batch).min(documents);
        let mut out = Vec::new();
        for number in first..last {
            out.extend(request(&["JSON.SET", &format!("doc:{number}"), "$", &document(number)]));
        }
        socket.write_all(&out).unwrap();
        let mut replies = vec![0; (last - first) * b"+OK\r\n".len()];
        socket.read_exact(&mut replies).unwrap();
    }
}

/// Sends one command and returns the first bytes of its reply.
fn call(socket: &mut TcpStream, words: &[&str]) -> Vec<u8> {
    socket.write_all(&request(words)).unwrap();
    let mut reply = vec![0; 64 << 10];
    let count = socket.read(&mut reply).unwrap();
    reply.truncate(count);
    reply
}

fn field(socket: &mut TcpStream, name: &str) -> String {
    let reply = String::from_utf8(call(socket, &["INFO", "raft"])).unwrap();
    reply.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_string()
}

/// Measures writes while `wait` runs. Returns their latencies in ascending order.
fn measure(address: &str, documents: usize, wait: impl FnOnce(&mut TcpStream)) -> Vec<Duration> {
    let stop = Arc::new(AtomicBool::new(false));
    let writer = |id: usize| {
        let (stop, address) = (stop.clone(), address.to_string());
        std::thread::spawn(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.set_nodelay(true).unwrap();
            let mut taken = Vec::new();
            let mut number = id;
            while !stop.load(Ordering::Relaxed) {
                number = (number * 7919 + 13) % documents;
                let request = request(&["JSON.SET", &format!("doc:{number}"), "$", &document(number)]);
                let begun = Instant::now();
                socket.write_all(&request).unwrap();
                let mut reply = [0; 5];
                socket.read_exact(&mut reply).unwrap();
                assert_eq!(&reply, b"+OK\r\n");
                taken.push(begun.elapsed());
            }
            taken
        })
    };
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    wait(&mut TcpStream::connect(address).unwrap());
    stop.store(true, Ordering::Relaxed);
    let mut all: Vec<Duration> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    all.sort_unstable();
    all
}

fn report(title: &str, sorted: Vec<Duration>) {
    let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    println!(
        "{title}: {} writes, ms: p50 {:.2}, p99 {:.2}, p99.9 {:.2}, p99.99 {:.2}, max {:.2}",
        sorted.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.9999),
        at(1.0)
    );
}
