//! Converts documents to and from `serde_json::Value`, so that tests of paths do not depend on this
//! crate's parser and printer.

use serde_json::{Map, Number, Value as Json};

use crate::error::CommandError;
use crate::json::path::{Fuel, Path, Selection};
use crate::json::{Builder, Document, Kind, Value};

fn append(out: &mut Builder, json: &Json) {
    match json {
        Json::Null => out.null(),
        Json::Bool(truth) => out.bool(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), _, _) => out.int(whole),
            (_, Some(whole), _) => out.uint(whole),
            (_, _, Some(number)) => out.float(number),
            _ => unreachable!("serde_json holds no other numbers"),
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

pub fn document(json: &Json) -> Document {
    let mut out = Builder::new();
    append(&mut out, json);
    Document::from_trusted(&out.into_bytes())
}

pub fn parsed(text: &str) -> Document {
    document(&serde_json::from_str(text).expect(text))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn json(value: Value<'_>) -> Json {
    match value.kind() {
        Kind::Null => Json::Null,
        Kind::False | Kind::True => Json::Bool(value.as_bool().unwrap()),
        Kind::Int => Json::from(value.as_i64().unwrap()),
        Kind::Uint => Json::from(value.as_u64_large().unwrap()),
        Kind::Float => Json::Number(Number::from_f64(value.as_f64().unwrap()).unwrap()),
        Kind::Text | Kind::TextEscaped => Json::String(text(value.as_text().unwrap())),
        Kind::Array => Json::Array(value.elements().map(json).collect()),
        Kind::Object => {
            let members = value.members().map(|member| (text(member.key), json(member.value)));
            Json::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// The matches of a path in a document, as JSON values.
pub fn found(path: &str, document: &Document) -> Result<Vec<Json>, CommandError> {
    let path = Path::parse(path.as_bytes())?;
    match path.select(document, &mut Fuel::for_document(document))? {
        Selection::Locations(locations) => {
            for location in &locations {
                assert_location_is_consistent(location, document);
            }
            Ok(locations.iter().map(|location| json(location.value(document))).collect())
        }
        Selection::Values(values) => Ok(values.iter().map(|encoded| json(Value::at(encoded, 0))).collect()),
    }
}

fn assert_location_is_consistent(location: &crate::json::Location, document: &Document) {
    let Some(parent) = location.parent else {
        assert_eq!((location.at, location.member), (0, 0), "only the root has no parent");
        return;
    };
    let parent = Value::at(document.encoded(), parent);
    let member = parent
        .members()
        .any(|member| (member.offset, member.value.offset()) == (location.member, location.at));
    let element =
        parent.elements().any(|element| element.offset() == location.at && location.member == location.at);
    assert!(member || element, "{location:?} is a child of its parent");
}
