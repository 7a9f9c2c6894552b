//! Checks the guarantees for one client, and for several concurrent ones.

use jsonvault::resp::Value;

use crate::harness::TestNode;

#[test]
fn a_read_after_a_write_on_the_same_connection_sees_it() {
    let node = TestNode::started();
    let mut client = node.client();
    for number in 0..300 {
        client.ok(&format!("JSON.SET k $ {number}"));
        assert_eq!(client.text("JSON.GET k"), number.to_string());
    }
    let requests: Vec<Vec<String>> = (0..2000)
        .flat_map(|number| {
            let set = ["JSON.SET", "k", "$", &number.to_string()].map(str::to_owned).to_vec();
            [set, ["JSON.GET", "k"].map(str::to_owned).to_vec()]
        })
        .collect();
    for (number, pair) in client.pipeline(&requests).chunks(2).enumerate() {
        assert_eq!(pair, [Value::Simple("OK".into()), Value::Bulk(number.to_string().into())]);
    }
}

#[test]
fn an_acknowledged_write_is_seen_by_every_connection() {
    let node = TestNode::started();
    let (mut writer, mut reader) = (node.client(), node.client());
    for number in 0..300 {
        writer.ok(&format!("JSON.SET k $ {number}"));
        assert_eq!(reader.text("JSON.GET k"), number.to_string());
    }
}

#[test]
fn increments_of_eight_connections_add_up() {
    const EACH: i64 = 500;
    let mut node = TestNode::started();
    node.client().ok(r#"JSON.SET k $ '{"n":0,"m":[0,0]}'"#);
    std::thread::scope(|scope| {
        for window in 1..=8_i64 {
            let mut client = node.client();
            scope.spawn(move || {
                let request: Vec<&str> = "JSON.NUMINCRBY k $..* 1".split(' ').collect();
                let mut left = EACH;
                while left > 0 {
                    let batch = vec![request.clone(); left.min(window * window) as usize];
                    for reply in client.pipeline(&batch) {
                        assert!(reply.text().is_some_and(|text| text.starts_with(b"[")), "{reply:?}");
                    }
                    left -= batch.len() as i64;
                }
            });
        }
    });
    let sum = 8 * EACH;
    let expected = format!(r#"{{"n":{sum},"m":[{sum},{sum}]}}"#);
    assert_eq!(node.client().text("JSON.GET k"), expected);
    node.kill_and_restart();
    assert_eq!(node.client().text("JSON.GET k"), expected);
}

#[test]
fn a_write_of_several_keys_is_atomic() {
    let node = TestNode::started();
    node.client().ok("JSON.MSET a $ 0 b $ 0 c $ 0");
    std::thread::scope(|scope| {
        let mut writer = node.client();
        let mut reader = node.client();
        let writing = scope.spawn(move || {
            for number in 1..500 {
                writer.ok(&format!("JSON.MSET a $ {number} b $ {number} c $ {number}"));
            }
        });
        while !writing.is_finished() {
            let reply = reader.ask("JSON.MGET a b c .");
            let values = reply.items().unwrap();
            assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
        }
        writing.join().unwrap();
    });
}
