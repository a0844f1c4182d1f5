//! Random JSON for tests: values, and texts in every spelling.
#![allow(dead_code)]

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Few names, so that patches meet what they are for.
pub fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "0", "1", "", "~/", "é\""]).prop_map(str::to_owned)
}

/// A value of few names and small integers: other implementations take 1 and 1.0 for different numbers, and spellings are
/// the subject of `text`.
pub fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3..4_i64).prop_map(Value::from),
        name().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((name(), inner), 0..4).prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// A JSON text as nobody would write it: white space, escapes and spellings of all kinds, names twice.
pub fn text() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(vec![
        "null",
        "true",
        "1.0",
        "-0",
        "1e400",
        "12345678901234567890123",
        "1E-7",
        "\"\"",
        "\"\\u00e9\\/\"",
        "\"}]\\\",[{\"",
        "\"\\ud800\"",
        "[ ]",
        "{}",
        "{\n}",
    ]);
    let space = || prop::sample::select(vec!["", "", " ", "\n  ", "\t\r"]);
    let name =
        prop::sample::select(vec!["\"a\"", "\"\\u0061\"", "\"b\"", "\"\"", "\"~/\"", "\"x\\ny\"", "\"\\udfff\""]);
    scalar.prop_map(str::to_owned).prop_recursive(4, 24, 4, move |inner| {
        let element =
            (space(), inner.clone(), space()).prop_map(|(before, value, behind)| format!("{before}{value}{behind}"));
        let member = (space(), name.clone(), space(), space(), inner, space())
            .prop_map(|(before, name, colon, at, value, behind)| format!("{before}{name}{colon}:{at}{value}{behind}"));
        prop_oneof![
            vec(element, 1..4).prop_map(|elements| format!("[{}]", elements.join(","))),
            vec(member, 1..4).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}
