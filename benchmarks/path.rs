//! Measures parsing and evaluating paths, compared with the two crates that also check the results
//! in tests.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jsonpath_rust::JsonPath as _;
use jsonvault::json::path::{Fuel, Path};
use jsonvault::json::{Builder, Document, Kind};
use serde_json::{Value as Json, json};

const PATHS: [(&str, &str); 4] = [
    ("name", "$.name"),
    ("nested", "$.a.b[3].c"),
    ("descendant", "$..price"),
    ("filter", "$.store[?(@.price<10)].title"),
];

fn append(out: &mut Builder, json: &Json) {
    match json {
        Json::Null => out.null(),
        Json::Bool(truth) => out.bool(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => out.int(whole),
            None => out.float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => out.text(text.as_bytes()),
        Json::Array(elements) => {
            let open = out.open(Kind::Array, 0);
            elements.iter().for_each(|element| append(out, element));
            out.close(open);
        }
        Json::Object(members) => {
            let open = out.open(Kind::Object, 0);
            for (key, value) in members {
                out.text(key.as_bytes());
                append(out, value);
            }
            out.close(open);
        }
    }
}

/// A document of about 4 KB: a shop with 40 books.
fn shop() -> Json {
    let books: Vec<Json> = (0..40)
        .map(|at| json!({"title": format!("The book number {at}"), "price": at as f64 * 0.75, "tags": ["x", "y"], "isbn": null}))
        .collect();
    json!({"id": 17, "name": "shop", "a": {"z": 1, "b": [1, 2, 3, {"c": "found"}]}, "store": books})
}

fn paths(criterion: &mut Criterion) {
    let json = shop();
    let mut out = Builder::new();
    append(&mut out, &json);
    let document = Document::from_trusted(&out.into_bytes());
    for (name, text) in PATHS {
        let mut group = criterion.benchmark_group(format!("parse/{name}"));
        group.bench_function("jsonvault", |bench| bench.iter(|| Path::parse(black_box(text.as_bytes()))));
        group.bench_function("jsonpath-rust", |bench| {
            bench.iter(|| jsonpath_rust::parser::parse_json_path(black_box(text)));
        });
        group.bench_function("serde_json_path", |bench| {
            bench.iter(|| serde_json_path::JsonPath::parse(black_box(text)));
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("evaluate/{name}"));
        let path = Path::parse(text.as_bytes()).expect("the path is valid");
        group.bench_function("jsonvault", |bench| {
            bench.iter(|| path.select(black_box(&document), &mut Fuel::for_document(&document)));
        });
        let parsed = jsonpath_rust::parser::parse_json_path(text).expect("the path is valid");
        group.bench_function("jsonpath-rust", |bench| {
            bench.iter(|| {
                jsonpath_rust::query::js_path_process(&parsed, black_box(&json)).map(|found| found.len())
            });
        });
        let parsed = serde_json_path::JsonPath::parse(text).expect("the path is valid");
        group.bench_function("serde_json_path", |bench| bench.iter(|| parsed.query(black_box(&json)).len()));
        group.finish();
        assert!(json.query(text).is_ok_and(|found| !found.is_empty()), "each path finds something");
    }
}

/// Measures the time until a path runs out of fuel, which should be at most 50 ms.
fn hostile(criterion: &mut Criterion) {
    let mut json = json!(1);
    for _ in 0..100 {
        json = json!({"a": json});
    }
    let mut nested = Builder::new();
    append(&mut nested, &json);
    let nested = Document::from_trusted(&nested.into_bytes());
    let mut flat = Builder::new();
    append(&mut flat, &shop());
    let flat = Document::from_trusted(&flat.into_bytes());
    let mut group = criterion.benchmark_group("hostile");
    group.sample_size(10);
    let paths = [
        (&nested, "$..a..a..a..a"),
        (&nested, "$..*..*..*..*..*"),
        (&nested, "$..[?(@..[?(@..[?(@..z)])])]"),
        (&nested, "$..[?(count($..*..*)==$..[?(@..[?(@==$)])])]"),
        (&flat, "$..[?(@==$..[?(@!=$..[?(@==$..*)])])]"),
        (&flat, "$..[?($..[?(length(concat(@.title,@.title,@.title)) in $..*)])]"),
        (&flat, "$..[?($..[?($..title =~ 'x.*(y|z)+.*[a-q]{5,9}$')])]"),
        (&flat, "$..[?($..title =~ $..title)]"),
    ];
    for (document, text) in paths {
        let path = Path::parse(text.as_bytes()).expect("the path is valid");
        group.bench_function(text, |bench| {
            bench.iter(|| path.select(document, &mut Fuel::for_document(document)))
        });
    }
    for text in
        [format!("$[?{}", "(".repeat(1000)), format!("$[?{}", "length(".repeat(15)), "$[?".repeat(300)]
    {
        group.bench_function(format!("parse {}", &text[..12]), |bench| {
            bench.iter(|| Path::parse(text.as_bytes()))
        });
    }
    group.bench_function("parse eight large patterns", |bench| {
        let text = format!("$[?{}]", [r"@=~'(\\w{12}\\d){9}'"; 8].join("||"));
        bench.iter(|| Path::parse(text.as_bytes()));
    });
    group.finish();
}

criterion_group!(benches, paths, hostile);
criterion_main!(benches);
