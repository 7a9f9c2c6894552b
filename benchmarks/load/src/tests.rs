//! The driver against a server of the test's own, which answers what the test chooses. Nothing here
//! depends on how long anything takes.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use crate::options::Options;
use crate::replies::{Kind, Scanner};
use crate::report::{Tally, percentile};
use crate::template::Text;
use crate::{Outcome, drive};

type Requests = Rc<RefCell<Vec<Vec<String>>>>;

/// The words of the first request in the bytes, and its length; `None` while it is incomplete.
fn decode(bytes: &[u8]) -> Option<(Vec<String>, usize)> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut lines = text.split_inclusive("\r\n").take_while(|line| line.ends_with("\r\n"));
    let mut length = 0;
    let mut line = || {
        let line = lines.next()?;
        length += line.len();
        Some(line.trim_end().to_owned())
    };
    let count: usize = line()?.strip_prefix('*').unwrap().parse().unwrap();
    let mut words = Vec::new();
    for _ in 0..count {
        let bytes: usize = line()?.strip_prefix('$').unwrap().parse().unwrap();
        words.push(line()?);
        assert_eq!(words.last().unwrap().len(), bytes, "the length of a word is encoded");
    }
    Some((words, length))
}

/// Answers each request with what `answer` makes of it, three bytes at a time; keeps the requests.
async fn serve(listener: TcpListener, answer: fn(&[String]) -> String, requests: Requests) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let requests = requests.clone();
        tokio::task::spawn_local(async move {
            stream.set_nodelay(true).unwrap();
            let mut bytes = Vec::new();
            while stream.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
                while let Some((words, length)) = decode(&bytes) {
                    bytes.drain(..length);
                    for piece in answer(&words).as_bytes().chunks(3) {
                        stream.write_all(piece).await.unwrap();
                    }
                    requests.borrow_mut().push(words);
                }
            }
        });
    }
}

/// Drives a server that answers with `answer`. Returns the samples and the requests.
fn measure(flags: &str, answer: fn(&[String]) -> String) -> (Outcome<Tally>, Vec<Vec<String>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let words: Vec<String> =
            [address.as_str()].into_iter().chain(flags.split(' ')).map(Into::into).collect();
        let options = Options::parse(&words).unwrap();
        let requests = Requests::default();
        let server = tokio::task::spawn_local(serve(listener, answer, requests.clone()));
        let tally = drive(&options).await;
        server.abort();
        (tally, requests.take())
    })
}

fn ok(_: &[String]) -> String {
    "+OK\r\n".into()
}

#[test]
fn a_closed_load_sends_each_request_once() {
    let (tally, requests) =
        measure("--clients 3 --pipeline 4 --requests 48 --keys 48 --sequential SET doc:{n} {n}", ok);
    assert_eq!(tally.unwrap().requests(), 48);
    let mut keys: Vec<_> = requests.iter().map(|words| words[1].clone()).collect();
    keys.sort();
    let all: Vec<_> = (0..48).map(|number| format!("doc:{number:012}")).collect();
    assert_eq!(keys, all);
    assert!(requests.iter().all(|words| words[0] == "SET" && words[1] == format!("doc:{}", words[2])));
}

#[test]
fn an_open_load_sends_as_many_requests_as_its_rate_says() {
    let (tally, requests) =
        measure("--clients 3 --pipeline 2 --rate 2000 --seconds 0.05 --keys 10 GET doc:{n}", ok);
    let tally = tally.unwrap();
    assert_eq!(tally.requests(), 100);
    assert_eq!(requests.len(), 100);
    assert!(requests.iter().all(|words| words[1] < format!("doc:{:012}", 10)));
    assert!(tally.to_json().contains(r#""requests":100,"#));
}

#[test]
fn a_stall_counts_for_every_request_that_it_delays() {
    // The server answers nothing before the twentieth request, which a closed load would never
    // send.
    let flags = "--clients 1 --rate 2000 --requests 20 --keys 20 --sequential GET {n}";
    let (tally, _) = measure(flags, |words| match words[1].ends_with("19") {
        true => "+OK\r\n".repeat(20),
        false => String::new(),
    });
    let tally = tally.unwrap();
    // A request is due every 500 us, and none is answered before the last one is due.
    for (later, latency) in tally.latencies().iter().enumerate() {
        assert!(*latency >= 500 * later as u32, "{:?}", tally.latencies());
    }
    assert_eq!(tally.requests(), 20);
}

#[test]
fn errors_and_missing_keys_are_counted() {
    let (tally, _) = measure("--clients 1 --requests 6 --keys 6 --sequential GET {n}", |words| {
        match words[1].trim_start_matches('0') {
            "1" => "$-1\r\n".into(),
            "2" => "_\r\n".into(),
            "3" => "-ERR \"so\" it is\r\n".into(),
            number => format!("${}\r\n{number}\r\n", number.len()),
        }
    });
    let line = tally.unwrap().to_json();
    assert!(line.contains(r#""errors":1,"nulls":2,"#), "{line}");
    assert!(line.ends_with(r#""first_error":"ERR so it is"}"#), "{line}");
}

#[test]
fn a_server_that_hangs_up_ends_the_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for flags in ["--clients 2", "--clients 2 --rate 1000 --seconds 600"] {
        LocalSet::new().block_on(&runtime, async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let server = tokio::task::spawn_local(async move {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let _ = stream.read(&mut [0; 64]).await;
                }
            });
            let words = [address.as_str()].into_iter().chain(flags.split(' ')).chain(["PING"]);
            let options = Options::parse(&words.map(Into::into).collect::<Vec<_>>()).unwrap();
            assert!(drive(&options).await.is_err());
            server.abort();
        });
    }
}

#[test]
fn replies_are_counted_wherever_they_are_cut() {
    let stream =
        b"+OK\r\n$5\r\na\r\nbc\r\n*2\r\n$1\r\nx\r\n*1\r\n:1\r\n*0\r\n$-1\r\n%1\r\n+k\r\n-no\r\n-ERR no\r\n";
    let value = || Kind::Value;
    let expected =
        vec![value(), value(), value(), value(), Kind::Null, value(), Kind::Error("ERR no".into())];
    for size in 1..=stream.len() {
        let mut scanner = Scanner::default();
        let mut found = Vec::new();
        for piece in stream.chunks(size) {
            scanner.scan(piece, |kind| found.push(kind)).unwrap();
        }
        assert_eq!(found, expected, "in pieces of {size}");
    }
    for broken in [&b"?\r\n"[..], b"$x\r\n", b"\r\n", b"+OK\n", b"*-2\r\n"] {
        assert!(Scanner::default().scan(broken, |_| {}).is_err(), "{}", broken.escape_ascii());
    }
}

#[test]
fn a_request_carries_its_number_in_every_word() {
    let words = [&b"SET"[..], b"k:{n}", b"{\"id\":1{n},\"again\":\"{n}\"}"].map(Text::new);
    let mut out = Vec::new();
    Text::request(&words).write(42, &mut out);
    let text = String::from_utf8(out).unwrap();
    let (words, length) = decode(text.as_bytes()).unwrap();
    assert_eq!(words[1..], ["k:000000000042", r#"{"id":1000000000042,"again":"000000000042"}"#]);
    assert_eq!(length, text.len());
}

#[test]
fn percentiles_are_samples() {
    let samples: Vec<u32> = (1..=1000).collect();
    assert_eq!(percentile(&samples, 0.5), 500);
    assert_eq!(percentile(&samples, 0.999), 999);
    assert_eq!(percentile(&samples, 1.0), 1000);
    assert_eq!(percentile(&[7], 0.5), 7);
    assert_eq!(percentile(&[], 0.99), 0);
}

#[test]
fn a_flag_with_a_bad_value_is_refused() {
    for flags in
        ["--rate 0 GET x", "--clients 0 GET x", "--keys", "--unknown 1 GET x", "--clients 3", "@/none/there"]
    {
        let words: Vec<String> =
            ["127.0.0.1:1"].into_iter().chain(flags.split(' ')).map(Into::into).collect();
        assert!(Options::parse(&words).is_err(), "{flags}");
    }
}
