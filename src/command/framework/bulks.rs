//! Builds replies of many elements, within the budget of a reply and with one allocation for the
//! bytes of all elements.

use bytes::{Bytes, BytesMut};

use super::Budget;
use crate::error::CommandError;
use crate::keyspace::Element;
use crate::resp::Reply;

/// The items of an array, with each element as a bulk string.
///
/// # Errors
/// If the elements exceed the maximum size of a reply.
pub fn bulks<'a>(elements: impl Iterator<Item = &'a Element> + Clone) -> Result<Vec<Reply>, CommandError> {
    let mut budget = Budget::default();
    let (mut bytes, mut count) = (0, 0);
    for element in elements.clone() {
        let length = element.as_bytes().len();
        budget.spend(size_of::<Reply>() + length)?;
        (bytes, count) = (bytes + length, count + 1);
    }
    let mut buffer = BytesMut::with_capacity(bytes);
    let mut replies = Vec::with_capacity(count);
    for element in elements {
        buffer.extend_from_slice(element.as_bytes());
        replies.push(Reply::Bulk(buffer.split().freeze()));
    }
    assert_eq!(replies.len(), count, "each counted element has a reply");
    Ok(replies)
}

/// The items of an array of elements with their scores. If `in_pairs`, as in RESP3, each item is an
/// array of an element and its score; otherwise elements and scores alternate.
///
/// # Errors
/// If the items exceed the maximum size of a reply.
pub fn scored<'a>(
    elements: impl Iterator<Item = (&'a Element, f64)> + Clone,
    in_pairs: bool,
) -> Result<Vec<Reply>, CommandError> {
    let count = elements.clone().count();
    Budget::default().spend(count.saturating_mul(3 * size_of::<Reply>()))?;
    let members = bulks(elements.clone().map(|(member, _)| member))?;
    let scores = elements.map(|(_, score)| Reply::Double(score));
    Ok(match in_pairs {
        true => {
            members.into_iter().zip(scores).map(|(member, score)| Reply::Array(vec![member, score])).collect()
        }
        false => members.into_iter().zip(scores).flat_map(|(member, score)| [member, score]).collect(),
    })
}

/// One element as a bulk string, or null.
pub fn bulk(element: Option<&Element>) -> Reply {
    element.map_or(Reply::Null, |element| Reply::Bulk(Bytes::copy_from_slice(element.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_element_becomes_a_reply() {
        let elements = ["a", "", "ccc"].map(|text| Element::from(text.as_bytes()));
        assert_eq!(bulks(elements.iter()), Ok(["a", "", "ccc"].map(Reply::word).to_vec()));
        let scores = || elements.iter().map(|element| (element, 1.5));
        assert_eq!(scored(scores(), false).map(|replies| replies.len()), Ok(6));
        let pair = Reply::Array(vec![Reply::word("a"), Reply::Double(1.5)]);
        assert_eq!(scored(scores(), true).map(|replies| replies[0].clone()), Ok(pair));
        assert_eq!(bulk(None), Reply::Null);
    }

    #[test]
    fn too_many_elements_are_refused_before_any_is_copied() {
        let large = Element::from(&vec![0; 1 << 20][..]);
        assert_eq!(bulks(std::iter::repeat_n(&large, 256)), Err(Budget::SPENT));
        let small = Element::from(&b"x"[..]);
        assert_eq!(scored(std::iter::repeat_n((&small, 0.0), 1 << 22), true), Err(Budget::SPENT));
    }
}
