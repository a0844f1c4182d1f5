//! Random documents and patches: against the json-patch crate, and against what must hold for every text.
//!
//! `PROPTEST_CASES=100000 cargo test --test patch` tries more; a failure prints its case and its seed.

use memory_tools::base::json;
use memory_tools::base::limits::JSON_DEPTH_MAX;
use memory_tools::patch::{Kind, Pointer};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::apply;
use super::json_texts::{text, value};

/// How a pointer is chosen: one of those into the document, perhaps a token more.
#[derive(Clone, Debug)]
struct Choice {
    which: prop::sample::Index,
    more: Option<&'static str>,
}

fn choice() -> impl Strategy<Value = Choice> {
    let more = prop::option::weighted(0.4, prop::sample::select(vec!["a", "b", "0", "1", "2", "-", "", "~0~1", "01"]));
    (any::<prop::sample::Index>(), more).prop_map(|(which, more)| Choice { which, more })
}

impl Choice {
    fn pointer(&self, document: &Value) -> String {
        let mut pointers = Vec::new();
        collect(document, String::new(), &mut pointers);
        let pointer = self.which.get(&pointers);
        self.more.map_or(pointer.clone(), |more| format!("{pointer}/{more}"))
    }
}

/// Every pointer into `value`, which is at `pointer`.
fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect(value, format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), pointers);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                collect(value, format!("{pointer}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}

/// An operation before its pointers are chosen.
#[derive(Clone, Debug)]
struct Draft {
    op: &'static str,
    path: Choice,
    from: Choice,
    value: Value,
    /// A test that holds, where there is something to test.
    is_fitting: bool,
}

fn draft() -> impl Strategy<Value = Draft> {
    let op = prop::sample::select(vec!["add", "add", "remove", "replace", "move", "copy", "test"]);
    (op, choice(), choice(), value(), any::<bool>()).prop_map(|(op, path, from, value, is_fitting)| Draft {
        op,
        path,
        from,
        value,
        is_fitting,
    })
}

impl Draft {
    /// The operation for `document`; `None` for what the crate and we see differently on purpose: the whole document
    /// removed and a value moved into itself, which for us are no patches, and a value moved to where it is.
    fn operation(&self, document: &Value) -> Option<Value> {
        let (path, from) = (self.path.pointer(document), self.from.pointer(document));
        let is_inside = path.strip_prefix(&*from).is_some_and(|rest| rest.starts_with('/'));
        let tested = document.pointer(&path).filter(|_| self.is_fitting).unwrap_or(&self.value);
        match self.op {
            "remove" if path.is_empty() => None,
            "remove" => Some(json!({ "op": "remove", "path": path })),
            "move" if is_inside || from == path => None,
            "move" | "copy" => Some(json!({ "op": self.op, "path": path, "from": from })),
            "test" => Some(json!({ "op": "test", "path": path, "value": tested })),
            _ => Some(json!({ "op": self.op, "path": path, "value": self.value })),
        }
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A text that other implementations read: numbers on both sides of 2^53, of 2^63 and of 2^64, names and strings with
/// escapes, names twice, white space.
fn odd() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(vec![
        "9007199254740993",
        "-9007199254740993",
        "9223372036854775808",
        "18446744073709551615",
        "12345678901234567890123",
        "1.0",
        "1E-7",
        "1e300",
        "\"\\u00e9\\/\"",
        "null",
        "{ }",
        "[\n]",
    ]);
    let name = prop::sample::select(vec!["\"a\"", "\"\\u0061\"", "\"b\"", "\"\"", "\"~\\/\"", "\"\\ud83d\\ude00\""]);
    scalar.prop_map(str::to_owned).prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(|elements| format!("[ {}\t]", elements.join(" ,"))),
            vec((name.clone(), inner), 1..4).prop_map(|members| {
                let members: Vec<_> = members.into_iter().map(|(name, value)| format!("{name} : {value}")).collect();
                format!("{{\n{}}}", members.join(", "))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn patches_of_any_spelling_agree_with_another_implementation(
        text in odd(), put in odd(), which in vec((choice(), choice(), 0..4_usize), 1..4)
    ) {
        let mut merged = parsed(&text);
        json_patch::merge(&mut merged, &parsed(&put));
        let seen = apply(Kind::Merge, &text, &put).unwrap();
        prop_assert_eq!(parsed(&seen), merged, "{} on {}", put, text);

        let (mut expected, mut seen) = (Ok(parsed(&text)), Ok(text.clone()));
        for (path, from, op) in which {
            let Ok(before) = &expected else { break };
            let (path, from) = (json!(path.pointer(before)), json!(from.pointer(before)));
            // Whoever moves a value into itself, or where it is, is told otherwise by us.
            let op = if op == 3 && path.as_str().unwrap().starts_with(from.as_str().unwrap()) { 0 } else { op };
            let op = ["add", "replace", "copy", "move"][op];
            let patch = format!(r#"[{{"op":"{op}","path":{path},"from":{from},"value":{put}}}]"#);
            let mut after = before.clone();
            let made: json_patch::Patch = serde_json::from_str(&patch).unwrap();
            expected = json_patch::patch(&mut after, &made).map(|()| after).map_err(drop);
            seen = apply(Kind::JsonPatch, seen.as_deref().unwrap(), &patch).map_err(drop);
            prop_assert_eq!(seen.clone().map(|text| parsed(&text)), expected.clone(), "{} on {}", patch, text);
        }
    }

    #[test]
    fn json_patches_agree_with_another_implementation(document in value(), drafts in vec(draft(), 1..6)) {
        // Each operation is made for the document as it is then, as far as it gets.
        let mut expected = Ok(document.clone());
        let mut operations = Vec::new();
        for draft in &drafts {
            let Ok(before) = &expected else { break };
            let Some(operation) = draft.operation(before) else { continue };
            let patch: json_patch::Patch = serde_json::from_value(json!([operation])).unwrap();
            let mut after = before.clone();
            operations.push(operation);
            expected = json_patch::patch(&mut after, &patch).map(|()| after).map_err(|_| operations.len() - 1);
        }
        let patch = Value::Array(operations).to_string();
        let seen = apply(Kind::JsonPatch, &document.to_string(), &patch);
        prop_assert_eq!(
            seen.map(|text| parsed(&text)).map_err(|fault| fault.operation),
            expected.map_err(Some),
            "{} on {}", patch, document
        );
    }

    #[test]
    fn merge_patches_agree_with_another_implementation(document in value(), patch in value()) {
        let mut expected = document.clone();
        json_patch::merge(&mut expected, &patch);
        let seen = apply(Kind::Merge, &document.to_string(), &patch.to_string()).unwrap();
        prop_assert_eq!(parsed(&seen), expected, "{} on {}", patch, document);
    }

    /// Wherever a value is replaced, the bytes before and behind it stay; and a pointer finds what was put there.
    #[test]
    fn all_but_what_is_replaced_keeps_its_bytes(text in text(), tokens in vec("[ab01]|~0~1|x\n?y?|", 0..4), put in text()) {
        let pointer: String = tokens.iter().flat_map(|token| ["/", token]).collect();
        let found = Pointer::parse(&*pointer).unwrap().find(text.as_bytes());
        let patch = json!([{ "op": "replace", "path": pointer, "value": 0 }]).to_string().replace(":0", &format!(":{put}"));
        let seen = apply(Kind::JsonPatch, &text, &patch).ok();
        let expected = found.clone().map(|found| format!("{}{put}{}", &text[..found.start], &text[found.end..]));
        prop_assert_eq!(&seen, &expected, "{} in {}", pointer, text);
        if let (Some(seen), Some(found)) = (seen, found) {
            let again = Pointer::parse(&*pointer).unwrap().find(seen.as_bytes());
            prop_assert_eq!(again, Some(found.start..found.start + put.len()));
        }
    }

    /// A patch of nothing, one that only tests, and one that removes what is not there.
    #[test]
    fn a_patch_that_changes_nothing_changes_no_byte(text in text()) {
        let test = format!(r#"[{{"op":"test","path":"","value":{text}}}]"#);
        for (kind, patch) in [(Kind::JsonPatch, "[]"), (Kind::JsonPatch, &test)] {
            prop_assert_eq!(apply(kind, &text, patch), Ok(text.clone()));
        }
        for patch in ["{}", r#"{"not there":null}"#] {
            if text.starts_with('{') {
                prop_assert_eq!(apply(Kind::Merge, &text, patch), Ok(text.clone()));
            }
        }
    }

    /// Whatever is merged into whatever, in whatever spelling, the result is JSON (which `apply` holds it against) and
    /// merging the same again changes no byte more.
    #[test]
    fn merging_twice_is_merging_once(document in text(), patch in text()) {
        let once = apply(Kind::Merge, &document, &patch).unwrap();
        prop_assert_eq!(json::check(once.as_bytes(), JSON_DEPTH_MAX), Ok(()));
        let twice = apply(Kind::Merge, &once, &patch).unwrap();
        prop_assert_eq!(once, twice, "{} on {}", patch, document);
    }
}
