//! Compares random documents, texts and edits with `serde_json::Value`.
//!
//! Each test runs a few hundred cases; the environment variable `JSONVAULT_CASES` sets another
//! number.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Model;

use super::edit::{append_elements, clear, delete, insert_elements, put_member, remove_elements, replace};
use super::parse::tests::{document, text_of};
use super::*;

fn config() -> ProptestConfig {
    let cases = std::env::var("JSONVAULT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn number() -> impl Strategy<Value = Model> {
    prop_oneof![
        (-300i64..300).prop_map(Model::from),
        any::<i64>().prop_map(Model::from),
        any::<u64>().prop_map(Model::from),
        any::<f64>().prop_filter_map("finite", |real| serde_json::Number::from_f64(real).map(Model::from)),
        (-1000i32..1000, -12i32..25)
            .prop_map(|(digits, scale)| Model::from(f64::from(digits) * 10f64.powi(scale))),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{0,2}", "[a-z\"\\\\/\n\u{1}\u{7f}\u{e9}\u{6f22}\u{1f600} ]{0,20}", "[a-z ]{200,300}"]
}

fn json() -> impl Strategy<Value = Model> {
    let leaf = prop_oneof![
        Just(Model::Null),
        any::<bool>().prop_map(Model::from),
        number(),
        text().prop_map(Model::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Model::from),
            vec((text(), inner), 0..8).prop_map(|members| Model::Object(members.into_iter().collect())),
        ]
    })
}

fn encode(model: &Model) -> Document {
    let document = document(&model.to_string());
    assert_eq!(check(document.encoded()), Ok(()));
    document
}

/// Converts the document to a `Model` with the document's own accessors.
fn decode(value: Value<'_>) -> Model {
    match value.kind() {
        Kind::Null => Model::Null,
        Kind::False | Kind::True => Model::from(value.as_bool()),
        Kind::Int => Model::from(value.as_i64()),
        Kind::Uint => Model::from(value.as_u64_large()),
        Kind::Float => Model::from(value.as_f64()),
        Kind::Text | Kind::TextEscaped => Model::from(utf8(value.as_text().unwrap())),
        Kind::Array => value.elements().map(decode).collect(),
        Kind::Object => {
            Model::Object(value.members().map(|member| (utf8(member.key), decode(member.value))).collect())
        }
    }
}

fn utf8(text: &[u8]) -> String {
    String::from_utf8(text.to_vec()).unwrap()
}

/// Compares text, so that the order of members counts and `1` differs from `1.0`.
fn assert_same(document: &Document, model: &Model) {
    assert_eq!(check(document.encoded()), Ok(()));
    assert_eq!(decode(document.root()).to_string(), model.to_string());
}

fn agree_on(text: &[u8]) {
    let ours = parse(text, &ParseLimits::default());
    match (ours, serde_json::from_slice::<Model>(text)) {
        (Ok(document), Ok(model)) => assert_same(&document, &model),
        (Err(ours), Err(theirs)) => assert_eq!(ours.text(), theirs.to_string()),
        (ours, theirs) => panic!("{ours:?} {theirs:?}: {}", String::from_utf8_lossy(text)),
    }
}

/// The offsets of all values, ascending: each value comes before its children.
fn offsets(value: Value<'_>, found: &mut Vec<usize>) {
    found.push(value.offset());
    for child in super::edit::children(value) {
        offsets(Value::at(value.buffer(), child), found);
    }
}

/// Applies `edit` to the values that `chosen` marks, children first; `chosen` has one mark for each
/// value in document order. An `edit` that returns `None` deletes the value.
fn edit_model(
    model: Model,
    number: &mut usize,
    chosen: &[bool],
    edit: &dyn Fn(Model) -> Option<Model>,
) -> Option<Model> {
    let mine = *number;
    *number += 1;
    let model = match model {
        Model::Array(elements) => {
            elements.into_iter().filter_map(|element| edit_model(element, number, chosen, edit)).collect()
        }
        Model::Object(members) => {
            let mut gone = Vec::new();
            let mut edited = serde_json::Map::new();
            for (key, value) in members {
                let value = edit_model(value, number, chosen, edit);
                gone.extend(value.is_none().then(|| key.clone()));
                edited.insert(key, value.unwrap_or_default());
            }
            for key in gone {
                edited.swap_remove(&key);
            }
            Model::Object(edited)
        }
        scalar => scalar,
    };
    if chosen.get(mine).copied().unwrap_or(false) { edit(model) } else { Some(model) }
}

/// Picks the values that `chosen`, repeated as often as needed, marks in document order and whose
/// kind `admits` accepts. Returns the offsets of the picked values, and for each value whether it
/// is picked.
fn pick(document: &Document, chosen: &[bool], admits: impl Fn(Kind) -> bool) -> (Vec<usize>, Vec<bool>) {
    let mut all = Vec::new();
    offsets(document.root(), &mut all);
    let admitted = |at: &usize| admits(Value::at(document.encoded(), *at).kind());
    let marks: Vec<bool> =
        all.iter().zip(chosen.iter().cycle()).map(|(at, chosen)| *chosen && admitted(at)).collect();
    let places = all.iter().zip(&marks).filter_map(|(at, mark)| mark.then_some(*at)).collect();
    (places, marks)
}

fn model_merge(target: Option<Model>, patch: Model) -> Model {
    let Model::Object(patch) = patch else { return patch };
    let mut merged = match target {
        Some(Model::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    for (key, value) in patch {
        match value {
            Model::Null => drop(merged.swap_remove(&key)),
            value => {
                let old = merged.get(&key).cloned();
                merged.insert(key, model_merge(old, value));
            }
        }
    }
    Model::Object(merged)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_text_means_what_serde_json_says(model in json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&model).unwrap() } else { model.to_string() };
        assert_same(&document(&text), &model);
    }

    #[test]
    fn a_printed_document_is_the_same_document(model in json(), indent in "[ \t]{0,2}", newline in "[\n]{0,1}") {
        let before = encode(&model);
        let style = Style { indent: indent.as_bytes(), newline: newline.as_bytes(), space: b" " };
        let mut out = Vec::new();
        print(before.root(), &style, &mut out);
        prop_assert_eq!(document(&utf8(&out)).encoded().len(), document(&text_of(&before)).encoded().len());
        assert_same(&document(&utf8(&out)), &model);
        assert_same(&document(&text_of(&before)), &model);
    }

    #[test]
    fn a_damaged_text_is_refused_with_the_error_of_serde_json(
        model in json(), damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
    ) {
        let mut text = model.to_string().into_bytes();
        for (index, byte, how) in damage {
            let at = index.index(text.len() + 1);
            match how {
                0 => text.insert(at, byte),
                1 if at < text.len() => drop(text.remove(at)),
                _ if at < text.len() => text[at] = b"{}[]\",:\\u0e-. 12"[usize::from(byte) % 16],
                _ => text.push(byte),
            }
        }
        agree_on(&text);
    }

    #[test]
    fn tokens_in_any_order_are_read_as_serde_json_reads_them(
        tokens in vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\":", "\"a\":", "1", "-", "0", "01", ".5", "1.5e3", "E+", "e-4",
            "true", "nul", "null", " ", "\n", "\"", "\\", "\\u00e9", "\"\\ud83d\\ude00\"", "\"\\udc00\"", "\u{e9}",
        ]), 0..12),
    ) {
        agree_on(tokens.concat().as_bytes());
    }

    #[test]
    fn a_numeral_is_exact(sign in "-?", whole in "0|[1-9][0-9]{0,25}", part in "(\\.[0-9]{1,25})?", power in "([eE][+-]?[0-9]{1,3})?") {
        agree_on(format!("{sign}{whole}{part}{power}").as_bytes());
    }

    #[test]
    fn any_bytes_are_either_refused_or_a_document(bytes in vec(any::<u8>(), 0..40), model in json(), at: prop::sample::Index) {
        let mut damaged = encode(&model).encoded().to_vec();
        let at = at.index(damaged.len());
        damaged[at] ^= bytes.first().copied().unwrap_or(1);
        for bytes in [bytes, damaged] {
            let _ = format!("{:?}", Value::at(&bytes, 0).depth());
            let mut out = Vec::new();
            print(Value::at(&bytes, 0), &Style::default(), &mut out);
            if check(&bytes).is_ok() {
                let again = document(&utf8(&out));
                prop_assert!(equal(again.root(), Value::at(&bytes, 0)));
                assert_same(&again, &decode(Value::at(&bytes, 0)));
            }
        }
    }

    #[test]
    fn replacing_and_deleting_agree_with_the_model(model in json(), fresh in json(), chosen in vec(any::<bool>(), 1..20)) {
        let before = encode(&model);
        let (places, marks) = pick(&before, &chosen, |_| true);
        let replaced = replace(&before, &places, encode(&fresh).encoded(), &ParseLimits::default()).unwrap();
        let wanted = edit_model(model.clone(), &mut 0, &marks, &|_| Some(fresh.clone()));
        assert_same(&replaced, &wanted.unwrap());
        let wanted = edit_model(model, &mut 0, &marks, &|_| None);
        match (delete(&before, &places), wanted) {
            (Some(deleted), Some(wanted)) => assert_same(&deleted, &wanted),
            (deleted, wanted) => prop_assert_eq!(deleted.is_none(), wanted.is_none()),
        }
    }

    #[test]
    fn editing_arrays_agrees_with_the_model(
        model in json(), fresh in vec(json(), 0..3), chosen in vec(any::<bool>(), 1..20), from in 0..5usize, count in 0..4usize,
    ) {
        let before = encode(&model);
        let (places, marks) = pick(&before, &chosen, |kind| kind == Kind::Array);
        let encoded = fresh.iter().map(|element| encode(element).encoded().to_vec()).collect::<Vec<_>>().concat();
        let limits = ParseLimits::default();
        let spliced = |from: usize, count: usize, fresh: &[Model]| {
            edit_model(model.clone(), &mut 0, &marks, &|array| {
                let Model::Array(mut elements) = array else { panic!("only arrays are chosen") };
                let from = from.min(elements.len());
                let to = from.saturating_add(count).min(elements.len());
                elements.splice(from..to, fresh.iter().cloned());
                Some(Model::Array(elements))
            }).unwrap()
        };
        assert_same(&append_elements(&before, &places, &encoded, &limits).unwrap(), &spliced(usize::MAX, 0, &fresh));
        assert_same(&insert_elements(&before, &places, from, &encoded, &limits).unwrap(), &spliced(from, 0, &fresh));
        assert_same(&remove_elements(&before, &places, from..from + count, &limits).unwrap(), &spliced(from, count, &[]));
    }

    #[test]
    fn setting_members_and_clearing_agree_with_the_model(
        model in json(), fresh in json(), key in text(), chosen in vec(any::<bool>(), 1..20),
    ) {
        let before = encode(&model);
        let (places, marks) = pick(&before, &chosen, |kind| kind == Kind::Object);
        let limits = ParseLimits::default();
        let put = put_member(&before, &places, key.as_bytes(), encode(&fresh).encoded(), &limits).unwrap();
        assert_same(&put, &edit_model(model.clone(), &mut 0, &marks, &|object| {
            let Model::Object(mut members) = object else { panic!("only objects are chosen") };
            members.insert(key.clone(), fresh.clone());
            Some(Model::Object(members))
        }).unwrap());
        let (places, marks) = pick(&before, &chosen, |_| true);
        assert_same(&clear(&before, &places, &limits).unwrap(), &edit_model(model, &mut 0, &marks, &|value| {
            Some(match value {
                Model::Array(_) => Model::Array(Vec::new()),
                Model::Object(_) => Model::Object(serde_json::Map::new()),
                Model::Number(_) => Model::from(0),
                other => other,
            })
        }).unwrap());
    }

    #[test]
    fn merging_agrees_with_the_rfc(target in json(), patch in json()) {
        let mut out = Builder::new();
        merge(encode(&target).root(), encode(&patch).root(), &mut out);
        let merged = Document::from_trusted(&out.into_bytes());
        assert_same(&merged, &model_merge(Some(target), patch));
    }

    #[test]
    fn equality_is_that_of_the_model(left in json(), right in json()) {
        let (one, two) = (encode(&left), encode(&right));
        prop_assert!(equal(one.root(), one.clone().root()));
        prop_assert_eq!(equal(one.root(), two.root()), equal(two.root(), one.root()));
        if left == right {
            prop_assert!(equal(one.root(), two.root()));
        }
    }
}
