//! Measures decoding requests and encoding replies. The figures of `decode` are per batch; divide
//! them by the depth of the pipeline.
use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jsonvault::resp::{Decoder, Limits, Protocol, Reply, encode, encode_request};
use jsonvault::testkit::decode_request_by_redis_protocol;

/// This many requests `SET key <250 bytes>`, each of about 300 bytes with its framing.
fn pipeline(depth: usize) -> BytesMut {
    let value = vec![b'x'; 250];
    let mut stream = Vec::new();
    for _ in 0..depth {
        encode_request(&[b"SET".as_slice(), b"user:000000000042", &value], &mut stream);
    }
    BytesMut::from(&stream[..])
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for depth in [1, 16] {
        let stream = pipeline(depth);
        group.throughput(Throughput::Elements(depth as u64));
        group.bench_function(BenchmarkId::new("own", depth), |bencher| {
            let mut decoder = Decoder::new(Limits::DEFAULT);
            bencher.iter_batched_ref(
                || stream.clone(),
                |buffer| {
                    while let Ok(Some(request)) = decoder.decode(buffer) {
                        black_box(request);
                    }
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function(BenchmarkId::new("redis-protocol", depth), |bencher| {
            bencher.iter_batched_ref(
                || stream.clone(),
                |buffer| {
                    while let Some(request) = decode_request_by_redis_protocol(buffer) {
                        black_box(request);
                    }
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// A request of 10,000 arguments that arrives in pieces of 1,400 bytes, as from a network.
fn decode_in_pieces(criterion: &mut Criterion) {
    let mut stream = Vec::new();
    encode_request(&vec![b"value"; 10_000], &mut stream);
    let mut group = criterion.benchmark_group("pieces");
    group.sample_size(10);
    group.bench_function("own", |bencher| {
        bencher.iter(|| {
            let (mut decoder, mut buffer) = (Decoder::new(Limits::DEFAULT), BytesMut::new());
            for piece in stream.chunks(1400) {
                buffer.extend_from_slice(piece);
                black_box(decoder.decode(&mut buffer).is_ok());
            }
        });
    });
    group.bench_function("redis-protocol", |bencher| {
        bencher.iter(|| {
            let mut buffer = BytesMut::new();
            for piece in stream.chunks(1400) {
                buffer.extend_from_slice(piece);
                black_box(decode_request_by_redis_protocol(&mut buffer));
            }
        });
    });
    group.finish();
}

fn encode_replies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let replies = [
        ("ok", Reply::OK),
        ("integer", Reply::Integer(1234)),
        ("bulk-250", Reply::Bulk(Bytes::from(vec![b'x'; 250]))),
        ("error", Reply::Error(jsonvault::error::CommandError::SYNTAX)),
        ("double", Reply::Double(1.25)),
    ];
    for (name, reply) in replies {
        group.bench_function(name, |bencher| {
            let mut out = Vec::with_capacity(1 << 20);
            bencher.iter(|| {
                if out.len() > (1 << 20) - 512 {
                    out.clear();
                }
                encode(black_box(&reply), Protocol::Resp3, &mut out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, decode_in_pieces, encode_replies);
criterion_main!(benches);
