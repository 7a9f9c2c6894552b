use super::*;

fn decode(stream: &[u8]) -> Result<Option<Value>, ReplyError> {
    ReplyDecoder::new(Limits::DEFAULT).decode(&mut BytesMut::from(stream))
}

#[test]
fn a_map_keeps_the_order_of_the_server() {
    let value = decode(b"%3\r\n$1\r\nc\r\n:1\r\n$1\r\na\r\n:2\r\n$1\r\nb\r\n_\r\n").unwrap().unwrap();
    let Value::Map(pairs) = value else { panic!("{value:?}") };
    let keys: Vec<&[u8]> = pairs.iter().map(|(key, _)| key.text().unwrap().as_ref()).collect();
    assert_eq!(keys, [b"c", b"a", b"b"]);
}

#[test]
fn nulls_of_resp2_are_read_at_any_depth() {
    assert_eq!(decode(b"*-1\r\n"), Ok(Some(Value::Null)));
    assert_eq!(decode(b"*2\r\n$-1\r\n*-1\r\n"), Ok(Some(Value::Array(vec![Value::Null, Value::Null]))));
}

#[test]
fn malformed_replies_are_errors_and_do_not_panic() {
    for bad in [
        "x",
        "$x\r\n",
        "*-2\r\n",
        "%-1\r\n",
        "$3\r\nabcd\r\n",
        "+a\nb",
        ":x\r\n",
        "#x\r\n",
        "*2\r\n_\r\n$-1\r\n",
    ] {
        assert!(decode(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert_eq!(decode(b"$536870913\r\n"), Err(ReplyError::TooBig));
    assert_eq!(decode(b"*999999999999999999\r\n"), Ok(None));
    assert_eq!(decode(b"%999999999999999999\r\n"), Ok(None));
}

#[test]
fn nesting_is_bounded_before_redis_protocol_recurses() {
    let nested = |depth: usize| [b"*1\r\n".repeat(depth), b":1\r\n".to_vec()].concat();
    assert!(decode(&nested(Limits::DEFAULT.nesting_max)).unwrap().is_some());
    assert_eq!(decode(&nested(Limits::DEFAULT.nesting_max + 1)), Err(ReplyError::TooDeep));
    let nested = [b"~1\r\n".repeat(1_000_000), b":1\r\n".to_vec()].concat();
    assert_eq!(decode(&nested), Err(ReplyError::TooDeep));
}

/// With quadratic work this test would take minutes.
#[test]
fn a_large_reply_in_small_pieces_costs_linear_time() {
    let count = 100_000;
    let stream = [format!("*{count}\r\n").into_bytes(), b"$1\r\nx\r\n".repeat(count)].concat();
    let mut decoder = ReplyDecoder::new(Limits::DEFAULT);
    let mut buffer = BytesMut::new();
    let mut value = None;
    for piece in stream.chunks(3) {
        buffer.extend_from_slice(piece);
        value = value.or(decoder.decode(&mut buffer).unwrap());
    }
    assert_eq!(value.unwrap().items().unwrap().len(), count);
}

#[test]
fn a_line_over_the_limit_is_refused_however_it_is_split() {
    let limits = Limits { bulk_bytes_max: 8, ..Limits::DEFAULT };
    for size in [1, 4, 100] {
        let mut decoder = ReplyDecoder::new(limits.clone());
        let mut buffer = BytesMut::new();
        let refused = b"+123456789\r\n".chunks(size).any(|piece| {
            buffer.extend_from_slice(piece);
            decoder.decode(&mut buffer).is_err()
        });
        assert!(refused, "in pieces of {size}");
    }
}

#[test]
fn a_flat_array_of_even_length_stands_for_a_map() {
    let (one, two) = (Value::Integer(1), Value::Integer(2));
    let map = Value::Map(vec![(one.clone(), two.clone())]);
    let flat = Value::Array(vec![one.clone(), two.clone()]);
    assert_eq!(map.pairs(), flat.pairs());
    assert_eq!(Value::Array(vec![one]).pairs(), None);
    assert_eq!(Value::Bulk("a".into()).text(), Some(&Bytes::from("a")));
    assert_eq!(two.text(), None);
    assert_eq!(flat.items().map(<[Value]>::len), Some(2));
}
