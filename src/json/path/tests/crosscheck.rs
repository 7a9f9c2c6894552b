//! Compares random paths of the common dialect on random documents with two other evaluators.
//!
//! Constructs on which the evaluators differ are restricted:
//! * negative indexes and bounds outside of the array (RFC 9535 finds nothing, RedisJSON's dialect
//!   the first element): the only negative index is `-1`, and slice bounds count from the front;
//! * `<` and `>` on booleans or nulls (RFC 9535 has no order for them): only numbers and texts are
//!   compared by order;
//! * two paths without matches (equal in RFC 9535, unequal here): one side of every comparison is a
//!   literal;
//! * numbers other than small whole ones: jsonpath-rust compares within 2e-16, and refuses numbers
//!   above 2^53;
//! * the order of matches, which the RFC leaves open in part: both sides are sorted.
//!
//! `$JSONVAULT_CASES` sets the number of cases.

use jsonpath_rust::JsonPath;
use serde_json::{Map, Value as Json};

use super::testing;

#[rustfmt::skip]
const CASES_DEFAULT: u64 = 4000;

/// SplitMix64, seeded with the number of the case, so that the number is enough to reproduce it.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn name(&mut self) -> &'static str {
        ["a", "b", "c", "d"][self.below(4) as usize]
    }

    fn scalar(&mut self) -> Json {
        match self.below(6) {
            0 => Json::Null,
            1 => Json::Bool(self.below(2) == 0),
            2 => Json::from(["", "x", "xy", "é"][self.below(4) as usize]),
            _ => Json::from(self.below(7) as i64 - 3),
        }
    }

    fn json(&mut self, depth: u32) -> Json {
        match if depth == 0 { 0 } else { self.below(5) } {
            0 => self.scalar(),
            1 => (0..=self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => {
                let members = 1 + self.below(4);
                Json::Object(
                    (0..members)
                        .map(|_| (self.name().to_owned(), self.json(depth - 1)))
                        .collect::<Map<_, _>>(),
                )
            }
        }
    }

    fn filter(&mut self) -> String {
        let left = ["@", "@.a", "@.b", "@['c']", "@[0]", "$.a"][self.below(6) as usize];
        let whole = self.below(5) as i64 - 2;
        match self.below(8) {
            0 => ["@.a", "@.b.c", "@..d", "@[1]", "!@.a", "@[*]"][self.below(6) as usize].into(),
            1 => format!("{left} == {}", ["null", "true", "'x'", "'é'"][self.below(4) as usize]),
            2 => format!("{left} < 'xy'"),
            3 => format!("({left} > 0 && @.b != 1)"),
            4 => format!("{left} == 1 || @.a >= 2"),
            _ => format!("{left} {} {whole}", ["==", "!=", "<", ">", "<=", ">="][self.below(6) as usize]),
        }
    }

    fn step(&mut self) -> String {
        match self.below(14) {
            0 => format!("..{}", self.name()),
            1 => "..*".into(),
            2 => ".*".into(),
            3 => "[*]".into(),
            4 => format!("[{}]", self.below(4)),
            5 => "[-1]".into(),
            6 => format!("[{}:{}]", self.below(3), self.below(4)),
            7 => format!("[{},{}]", self.below(3), self.below(3)),
            8 => format!("['{}','{}']", self.name(), self.name()),
            9 | 10 => format!("[?{}]", self.filter()),
            11 => format!("['{}']", self.name()),
            _ => format!(".{}", self.name()),
        }
    }
}

fn sorted(found: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = found.into_iter().collect();
    found.sort();
    found
}

#[test]
fn random_paths_find_what_other_evaluators_find() {
    let cases =
        std::env::var("JSONVAULT_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES_DEFAULT);
    let mut found_any = 0;
    for case in 0..cases {
        let mut random = Random(case);
        let json = random.json(4);
        let path = (0..=random.below(3)).fold(String::from("$"), |path, _| path + &random.step());
        let ours = testing::found(&path, &testing::document(&json));
        let ours = sorted(
            ours.unwrap_or_else(|answer| panic!("{case}: {path}: {answer}")).iter().map(Json::to_string),
        );
        found_any += usize::from(!ours.is_empty());
        let theirs =
            serde_json_path::JsonPath::parse(&path).unwrap_or_else(|fault| panic!("{case}: {path}: {fault}"));
        let theirs = sorted(theirs.query(&json).iter().map(|value| value.to_string()));
        assert_eq!(ours, theirs, "case {case}: {path} of {json}, against serde_json_path");
        let others = json.query(&path).unwrap_or_else(|fault| panic!("{case}: {path}: {fault}"));
        let others = sorted(others.iter().map(|value| value.to_string()));
        assert_eq!(ours, others, "case {case}: {path} of {json}, against jsonpath-rust");
    }
    assert!(found_any as u64 * 5 > cases, "enough of the cases have matches");
}
