//! Measures a small and a large document: parsing, printing, finding a member, checking, replacing
//! a number in place and by copying.
//!
//! The same run also parses and prints with `serde_json::Value`. Two runs on one machine differ by
//! more than most changes of the code cause, so only the ratio to serde_json can be compared
//! between runs.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jsonvault::json::{self, Builder, Document, ParseLimits, Style};

/// A typical document of about 250 bytes.
fn small() -> String {
    r#"{"id":10482,"name":"Alice Example","email":"alice@example.com","active":true,"score":1532.75,"tags":["new","paid","eu-west"],"address":{"street":"Via Roma 12","city":"Rome","zip":"00100","lat":41.9028,"lon":12.4964},"visits":42,"note":null,"referrer":"ads-7"}"#.to_owned()
}

/// A catalogue of about 4 KB, with the counter as its last member.
fn large() -> String {
    let item = |index: usize| {
        format!(
            r#"{{"sku":"A-{index:05}","title":"Item number {index}, \"boxed\"","price":{}.{:02},"stock":{},"colours":["red","green"],"rating":{{"stars":4.5,"votes":{}}}}}"#,
            index * 3 % 50,
            index * 37 % 100,
            index * 7,
            index * 113
        )
    };
    let items: Vec<String> = (0..29).map(item).collect();
    format!(r#"{{"name":"catalogue","items":[{}],"visits":42}}"#, items.join(","))
}

fn parsed(text: &str) -> Document {
    json::parse(text.as_bytes(), &ParseLimits::default()).expect("the text is JSON")
}

fn visits(document: &Document) -> usize {
    document.root().member(b"visits").expect("both documents have visits").value.offset()
}

fn documents(criterion: &mut Criterion) {
    let limits = ParseLimits::default();
    for (name, text) in [("250B", small()), ("4KB", large())] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len() as u64));
        let document = parsed(&text);
        let model: serde_json::Value = serde_json::from_str(&text).expect("the text is JSON");
        group
            .bench_function("parse", |bench| bench.iter(|| json::parse(black_box(text.as_bytes()), &limits)));
        group.bench_function("parse into a reused buffer", |bench| {
            let mut out = Builder::with_capacity(2 * text.len());
            bench.iter(|| {
                out.clear();
                json::parse_into(&mut out, black_box(text.as_bytes()), &limits)
            })
        });
        group.bench_function("parse, serde_json", |bench| {
            bench.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(text.as_bytes())))
        });
        group.bench_function("print", |bench| {
            let mut out = Vec::with_capacity(2 * text.len());
            bench.iter(|| {
                out.clear();
                json::print(black_box(document.root()), &Style::default(), &mut out);
            })
        });
        group.bench_function("print, serde_json", |bench| {
            let mut out = Vec::with_capacity(2 * text.len());
            bench.iter(|| {
                out.clear();
                serde_json::to_writer(&mut out, black_box(&model))
            })
        });
        group.bench_function("find a member", |bench| bench.iter(|| visits(black_box(&document))));
        group.bench_function("check", |bench| bench.iter(|| json::check(black_box(document.encoded()))));
        group.bench_function("replace in place", |bench| {
            let mut unshared = parsed(&text);
            let one = parsed("43");
            bench.iter(|| {
                let at = visits(&unshared);
                assert!(unshared.try_replace_in_place(at, black_box(one.encoded())));
            })
        });
        group.bench_function("replace by copying", |bench| {
            let longer = parsed("4200");
            bench.iter(|| {
                let at = visits(&document);
                json::edit::replace(black_box(&document), &[at], longer.encoded(), &limits)
            })
        });
        group.finish();
    }
    println!("encoded: {} and {} bytes", parsed(&small()).encoded().len(), parsed(&large()).encoded().len());
    println!("text: {} and {} bytes", small().len(), large().len());
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1))
        .sample_size(20);
    targets = documents
}
criterion_main!(benches);
