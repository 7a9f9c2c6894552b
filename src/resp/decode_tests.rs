use proptest::prelude::*;

use super::super::encode::encode_request;
use super::*;
use crate::testkit::decode_request_by_redis_protocol;
use crate::testkit::fuzz::{decode, decode_reply};

fn decode_all(stream: &[u8]) -> (Vec<Vec<String>>, Option<String>) {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut buffer = BytesMut::from(stream);
    let mut requests = Vec::new();
    loop {
        match decoder.decode(&mut buffer) {
            Ok(Some(request)) => {
                requests.push(request.words().iter().map(|word| word.escape_ascii().to_string()).collect())
            }
            Ok(None) => return (requests, None),
            Err(error) => return (requests, Some(error.to_string())),
        }
    }
}

fn error_of(stream: &[u8]) -> String {
    decode_all(stream).1.unwrap_or_else(|| panic!("{} was accepted", stream.escape_ascii()))
}

#[test]
fn pipelined_requests_are_decoded_one_by_one_and_empty_ones_are_skipped() {
    let stream = b"*1\r\n$4\r\nPING\r\n*0\r\n*-1\r\n\r\n  \r\nGET 'a b'\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n*-10\r\nPING\r\n";
    let (requests, error) = decode_all(stream);
    assert_eq!(error, None);
    let expected: [&[&str]; 4] = [&["PING"], &["GET", "a b"], &["GET", ""], &["PING"]];
    assert_eq!(requests, expected);
}

#[test]
fn errors_are_worded_as_redis_words_them() {
    let cases: [(&[u8], &str); 15] = [
        (b"*3000000000\r\n", "invalid multibulk length"),
        (b"*1048577\r\n", "invalid multibulk length"),
        (b"*x\r\n", "invalid multibulk length"),
        (b"*\r\n", "invalid multibulk length"),
        (b"*99999999999999999999999999999999", "too big mbulk count string"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "expected '$', got 'f'"),
        (b"*1\r\nfoo\r\n", "expected '$', got 'f'"),
        (b"*1\r\n\x00", "expected '$', got '\\x00'"),
        (b"*1\r\n$-10\r\n", "invalid bulk length"),
        (b"*1\r\n$2000000000\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n$blabla\r\n", "invalid bulk length"),
        (b"*1\r\n$3\r\nabcdef\r\n", "invalid bulk length"),
        (b"*1\r\n$99999999999999999999999999999999", "too big bulk count string"),
        (b"set \"\"\"test-key\"\"\" test-value\r\n", "unbalanced quotes in request"),
    ];
    for (stream, text) in cases {
        assert_eq!(error_of(stream), format!("ERR Protocol error: {text}"), "{}", stream.escape_ascii());
    }
    assert_eq!(error_of(&[b'a'; 64 << 10]), "ERR Protocol error: too big inline request");
    let two_halves = b"*3\r\n$536870912\r\n";
    assert_eq!(decode_all(two_halves).1, None);
}

#[test]
fn an_error_is_permanent() {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut buffer = BytesMut::from(&b"*x"[..]);
    let first = decoder.decode(&mut buffer).unwrap_err();
    buffer.extend_from_slice(b"\r\n*1\r\n$4\r\nPING\r\n");
    assert_eq!(decoder.decode(&mut buffer).unwrap_err(), first);
}

#[test]
fn a_request_may_not_be_larger_than_its_limit() {
    let limits = Limits { request_bytes_max: 40, ..Limits::DEFAULT };
    let mut decoder = Decoder::new(limits);
    let mut buffer = BytesMut::from(&b"*2\r\n$3\r\nGET\r\n$30\r\n"[..]);
    assert_eq!(decoder.decode(&mut buffer).unwrap_err(), ProtocolError::RequestTooBig);
}

#[test]
fn a_length_is_a_claim_and_reserves_nothing() {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut buffer = BytesMut::from(&b"*1000000\r\n$500000000\r\nabc"[..]);
    let capacity = buffer.capacity();
    assert_eq!(decoder.decode(&mut buffer), Ok(None));
    assert_eq!(buffer.capacity(), capacity);
    assert_eq!(decoder.room_wanted(&buffer), READ_AHEAD_BYTES_MAX);
    assert!(decoder.is_midway());
}

/// With quadratic work this test would take minutes: each of a million calls would scan megabytes.
#[test]
fn a_large_request_in_small_pieces_costs_linear_time() {
    let count = 100_000;
    let words: Vec<&[u8]> = vec![b"x"; count];
    let mut stream = Vec::new();
    encode_request(&words, &mut stream);
    let big = vec![b'y'; 2 << 20];
    encode_request(&[&b"SET"[..], b"k", &big], &mut stream);
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut buffer = BytesMut::new();
    let mut sizes = Vec::new();
    for piece in stream.chunks(3) {
        buffer.extend_from_slice(piece);
        if let Some(request) = decoder.decode(&mut buffer).unwrap() {
            sizes.push((request.words().len(), request.bytes()));
        }
    }
    assert_eq!(sizes, [(count, count), (3, 4 + big.len())]);
    assert!(!decoder.is_midway() && buffer.is_empty());
}

#[test]
fn arguments_are_slices_of_the_buffer() {
    let mut buffer = BytesMut::from(&b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"[..]);
    let range = buffer.as_ptr_range();
    let request = Decoder::new(Limits::DEFAULT).decode(&mut buffer).unwrap().unwrap();
    assert!(request.words().iter().all(|word| range.contains(&word.as_ptr())));
    assert_eq!((request.name().as_ref(), request.args().len()), (&b"GET"[..], 1));
    let copy = request.detached();
    assert_eq!(copy, request);
    assert!(copy.words().iter().all(|word| !range.contains(&word.as_ptr())));
}

/// Streams that consist mostly of requests, with arbitrary bytes between them.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::collection::vec(any::<u8>(), 0..20);
    let request = prop::collection::vec(word, 1..6).prop_map(|words| {
        let mut bytes = Vec::new();
        encode_request(&words, &mut bytes);
        bytes
    });
    let piece = prop_oneof![
        6 => request,
        1 => "[a-z \"'\\\\]{0,30}\r?\n".prop_map(String::into_bytes),
        1 => "[*$][-0-9]{0,25}(\r\n)?".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..10),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    // These tests take a second or two; in ordinary runs they stand in for a fuzzer.
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn any_split_of_a_stream_reads_the_same(seed: u8, stream in any_stream()) {
        let mut data = vec![seed];
        data.extend(stream);
        decode(&data);
    }

    #[test]
    fn random_bytes_never_panic(data: Vec<u8>) {
        decode(&data);
        decode_reply(&data);
    }

    #[test]
    fn requests_read_as_redis_protocol_reads_them(
        words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..12)
    ) {
        let mut stream = Vec::new();
        encode_request(&words, &mut stream);
        let ours = Decoder::new(Limits::DEFAULT).decode(&mut BytesMut::from(&stream[..])).unwrap().unwrap();
        let theirs = decode_request_by_redis_protocol(&mut BytesMut::from(&stream[..])).unwrap();
        prop_assert_eq!(ours.words(), &theirs[..]);
        prop_assert_eq!(ours.words(), &words[..]);
    }
}

#[test]
fn a_short_request_is_read_behind_an_empty_one_that_came_in_pieces() {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut buffer = BytesMut::from(&b"*-1000"[..]);
    assert_eq!(decoder.decode(&mut buffer), Ok(None));
    buffer.extend_from_slice(b"\r\n");
    assert_eq!(decoder.decode(&mut buffer), Ok(None));
    buffer.extend_from_slice(b"hi\r\n");
    let request = decoder.decode(&mut buffer).unwrap().unwrap();
    assert_eq!(request.words(), ["hi"]);
}

#[test]
fn unauthenticated_clients_have_limits_of_their_own_until_they_are_lifted() {
    let long = format!("*1\r\n${}\r\n{}\r\n", 17 << 10, "x".repeat(17 << 10));
    let many = format!("*11\r\n{}", "$1\r\nx\r\n".repeat(11));
    for (bytes, error) in
        [(long, ProtocolError::UnauthenticatedBulk), (many, ProtocolError::UnauthenticatedCount)]
    {
        let mut decoder = Decoder::new(Limits::DEFAULT);
        decoder.restrict(true);
        assert_eq!(decoder.decode(&mut BytesMut::from(bytes.as_bytes())), Err(error));
        let mut decoder = Decoder::new(Limits::DEFAULT);
        decoder.restrict(true);
        let login = "*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n";
        let mut buffer = BytesMut::from((login.to_owned() + &bytes).as_bytes());
        assert!(decoder.decode(&mut buffer).unwrap().is_some());
        decoder.restrict(false);
        assert!(decoder.decode(&mut buffer).unwrap().is_some());
    }
}
