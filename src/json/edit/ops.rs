//! The edits that commands make. Each takes any number of `places`: offsets of values in the
//! document, ascending and distinct.

use std::ops::Range;

use super::{Action, Tail, rewrite};
use crate::error::CommandError;
use crate::json::value::{Kind, Value};
use crate::json::{Builder, Document, Number, ParseLimits};

type Edited = Result<Document, CommandError>;

/// Applies an edit that deletes no value.
fn change(
    document: &Document,
    places: &[usize],
    limits: &ParseLimits,
    mut edit: impl FnMut(&mut Tail<'_>) -> Result<(), CommandError>,
) -> Edited {
    let edited = rewrite(document, places, limits, |_, tail| edit(tail).map(|()| Action::Keep))?;
    Ok(edited.expect("an edit without deletions keeps the root"))
}

/// Replaces the value at each place by an encoded value.
pub fn replace(document: &Document, places: &[usize], encoded: &[u8], limits: &ParseLimits) -> Edited {
    change(document, places, limits, |tail| tail.replace(encoded))
}

/// Removes the values at these places; `None` if the root is one of them.
pub fn delete(document: &Document, places: &[usize]) -> Option<Document> {
    // The size limit is lifted: deleting only shrinks a document, which may exceed a limit that was
    // lowered after it was written.
    let limits = ParseLimits { document_bytes_max: usize::MAX };
    let edited = rewrite(document, places, &limits, |_, _| Ok(Action::Delete));
    edited.unwrap_or_else(|error| unreachable!("deleting cannot fail: {error}"))
}

/// Sets the member `key` in the object at each place.
pub fn put_member(
    document: &Document,
    objects: &[usize],
    key: &[u8],
    encoded: &[u8],
    limits: &ParseLimits,
) -> Edited {
    change(document, objects, limits, |tail| tail.put(key, encoded))
}

/// Appends encoded elements to the array at each place.
pub fn append_elements(
    document: &Document,
    arrays: &[usize],
    elements: &[u8],
    limits: &ParseLimits,
) -> Edited {
    change(document, arrays, limits, |tail| tail.append(elements))
}

/// Inserts encoded elements before the element `index` in the array at each place.
pub fn insert_elements(
    document: &Document,
    arrays: &[usize],
    index: usize,
    elements: &[u8],
    limits: &ParseLimits,
) -> Edited {
    change(document, arrays, limits, |tail| tail.splice(index..index, elements))
}

/// Removes the elements with these indexes, where they exist, from the array at each place.
pub fn remove_elements(
    document: &Document,
    arrays: &[usize],
    indexes: Range<usize>,
    limits: &ParseLimits,
) -> Edited {
    change(document, arrays, limits, |tail| tail.splice(indexes.clone(), &[]))
}

/// Empties containers and sets numbers to 0, as JSON.CLEAR does; other values are unchanged.
pub fn clear(document: &Document, places: &[usize], limits: &ParseLimits) -> Edited {
    change(document, places, limits, |tail| {
        let mut empty = Builder::new();
        match tail.value().kind() {
            kind @ (Kind::Array | Kind::Object) => {
                let open = empty.open(kind, 0);
                empty.close(open);
            }
            _ if Number::of(tail.value()).is_some() => empty.int(0),
            _ => return Ok(()),
        }
        tail.replace(&empty.out)
    })
}

/// The offsets of the children of a container, for tests and for commands that address all of them.
pub fn children(container: Value<'_>) -> Vec<usize> {
    match container.kind() {
        Kind::Object => container.members().map(|member| member.value.offset()).collect(),
        _ => container.elements().map(Value::offset).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::tests::{document, text_of};
    use crate::json::{DEPTH_MAX, TOO_DEEP, TOO_LARGE, check};

    const LIMITS: ParseLimits = ParseLimits { document_bytes_max: 10_000 };

    /// The offsets of all values of this kind, in document order.
    fn places(document: &Document, kind: Kind) -> Vec<usize> {
        fn walk(value: Value<'_>, kind: Kind, found: &mut Vec<usize>) {
            if value.kind() == kind {
                found.push(value.offset());
            }
            children(value).into_iter().for_each(|at| walk(Value::at(value.buffer(), at), kind, found));
        }
        let mut found = Vec::new();
        walk(document.root(), kind, &mut found);
        found
    }

    fn assert_text(edited: Edited, wanted: &str) {
        let edited = edited.unwrap();
        assert_eq!(text_of(&edited), wanted);
        assert_eq!(check(edited.encoded()), Ok(()));
    }

    #[test]
    fn replacing_changes_each_place_and_nothing_else() {
        let before = document(r#"{"a":1,"b":[2,"x",{"c":3}],"d":null}"#);
        let all = places(&before, Kind::Int);
        assert_text(
            replace(&before, &all, document("[\"long enough\"]").encoded(), &LIMITS),
            r#"{"a":["long enough"],"b":[["long enough"],"x",{"c":["long enough"]}],"d":null}"#,
        );
        assert_text(replace(&before, &[0], document("5").encoded(), &LIMITS), "5");
        assert_text(replace(&before, &[], document("5").encoded(), &LIMITS), &text_of(&before));
    }

    #[test]
    fn deleting_removes_members_with_their_keys_and_elements() {
        let before = document(r#"{"a":1,"b":[2,"x",{"c":3}],"d":null}"#);
        let after = delete(&before, &places(&before, Kind::Int)).unwrap();
        assert_eq!(
            text_of(&after),
            r#"{"d":null,"b":["x",{}]}"#,
            "the last member takes the place of the first"
        );
        assert!(delete(&before, &[0]).is_none());
        let nested = places(&before, Kind::Object);
        assert!(delete(&before, &nested).is_none(), "the root is one of the deleted values");
    }

    #[test]
    fn a_member_is_put_last_or_where_it_was() {
        let before = document(r#"[{"a":1,"b":2},{}]"#);
        let objects = places(&before, Kind::Object);
        let one = document("\"\\n\"");
        assert_text(
            put_member(&before, &objects, b"a", one.encoded(), &LIMITS),
            r#"[{"a":"\n","b":2},{"a":"\n"}]"#,
        );
        assert_text(
            put_member(&before, &objects[..1], b"\"", one.encoded(), &LIMITS),
            r#"[{"a":1,"b":2,"\"":"\n"},{}]"#,
        );
    }

    #[test]
    fn elements_are_appended_inserted_and_removed() {
        let before = document("[[],[1],[1,2,3]]");
        let arrays = places(&before, Kind::Array);
        let two = [document("8").encoded(), document("[9]").encoded()].concat();
        assert_text(
            append_elements(&before, &arrays, &two, &LIMITS),
            "[[8,[9]],[1,8,[9]],[1,2,3,8,[9]],8,[9]]",
        );
        assert_text(
            insert_elements(&before, &arrays[1..], 1, &two, &LIMITS),
            "[[8,[9]],[1,8,[9]],[1,8,[9],2,3]]",
        );
        assert_text(remove_elements(&before, &arrays[1..], 1..3, &LIMITS), "[[],[1],[1]]");
        assert_text(remove_elements(&before, &arrays[1..], 0..1, &LIMITS), "[[],[],[2,3]]");
        assert_text(remove_elements(&before, &arrays[1..], 2..usize::MAX, &LIMITS), "[[],[1],[1,2]]");
        assert_text(remove_elements(&before, &arrays, 5..9, &LIMITS), "[[],[1],[1,2,3]]");
        assert_text(remove_elements(&before, &arrays, 1..2, &LIMITS), "[[],[1,3]]");
    }

    #[test]
    fn clearing_empties_containers_and_zeroes_numbers() {
        let before = document(r#"[{"a":1},[2],3.5,"x",true]"#);
        assert_text(clear(&before, &children(before.root()), &LIMITS), r#"[{},[],0,"x",true]"#);
        assert_text(clear(&before, &[0], &LIMITS), "[]");
    }

    #[test]
    fn an_inner_place_is_edited_before_the_outer_one() {
        let before = document("[[[1]],2]");
        let mut seen = Vec::new();
        let edited = rewrite(&before, &places(&before, Kind::Array), &LIMITS, |index, tail| {
            seen.push((index, tail.value().count()));
            tail.append(document("0").encoded()).map(|()| Action::Keep)
        });
        assert_text(edited.map(Option::unwrap), "[[[1,0],0],2,0]");
        assert_eq!(seen, [(2, 1), (1, 1), (0, 2)]);
    }

    #[test]
    fn headers_grow_and_shrink_with_their_payload() {
        let filler = document(&format!("\"{}\"", "x".repeat(300)));
        let mut array = document("{\"a\":[]}");
        for _ in 0..250 {
            let at = array.root().member(b"a").unwrap().value.offset();
            array = append_elements(&array, &[at], filler.encoded(), &ParseLimits::default()).unwrap();
            assert_eq!(check(array.encoded()), Ok(()));
        }
        assert!(array.encoded().len() > 1 << 16);
        let at = array.root().member(b"a").unwrap().value.offset();
        assert_text(remove_elements(&array, &[at], 0..250, &LIMITS), "{\"a\":[]}");
    }

    #[test]
    fn an_edit_may_not_nest_too_deep_or_grow_too_large() {
        let deep = document(&format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX)));
        let inner = *places(&deep, Kind::Array).last().unwrap();
        let (scalar, empty) = (document("1"), document("{}"));
        assert!(append_elements(&deep, &[inner], scalar.encoded(), &LIMITS).is_ok());
        assert_eq!(append_elements(&deep, &[inner], empty.encoded(), &LIMITS).unwrap_err(), TOO_DEEP);
        assert!(replace(&deep, &[inner], empty.encoded(), &LIMITS).is_ok());
        assert_eq!(replace(&deep, &[inner], document("[[]]").encoded(), &LIMITS).unwrap_err(), TOO_DEEP);
        let long = document(&format!("\"{}\"", "x".repeat(1000)));
        let many = document("[0,0,0,0,0,0,0,0,0,0]");
        let error = replace(&many, &children(many.root()), long.encoded(), &LIMITS).unwrap_err();
        assert_eq!(error, TOO_LARGE);
    }

    #[test]
    #[should_panic(expected = "each place is the offset of a value")]
    fn an_offset_that_is_not_of_a_value_panics() {
        let before = document(r#"{"a":1}"#);
        let _ = replace(&before, &[1], before.encoded(), &LIMITS);
    }
}
