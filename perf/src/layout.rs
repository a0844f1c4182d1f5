//! How a result lies in its file: a line for each member, and one for a whole list of numbers.
//!
//! A run over time has lists of hundreds of numbers, which would take a line each in serde_json's own layout: five
//! times the file, and nothing that a reader could look over.

use serde_json::Value;

/// `value` as JSON in lines, without a line end behind the last.
pub fn lines(value: &Value) -> String {
    let mut out = String::new();
    append(value, 0, &mut out);
    out
}

fn append(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let member = |(name, value): (&String, &Value), out: &mut String| {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push_str(": ");
                append(value, depth + 1, out);
            };
            block(['{', '}'], members, member, depth, out);
        }
        Value::Array(items) if !items.iter().all(Value::is_number) => {
            block(['[', ']'], items, |item, out| append(item, depth + 1, out), depth, out);
        }
        // A scalar, a list of numbers, or nothing at all.
        _ => out.push_str(&value.to_string()),
    }
}

/// Each of `items` on a line of its own between `brackets`.
fn block<T>(
    brackets: [char; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut String),
    depth: usize,
    out: &mut String,
) {
    let [open, close] = brackets;
    out.push(open);
    for (place, item) in items.into_iter().enumerate() {
        out.push_str(if place == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write(item, out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_share_a_line_and_everything_else_has_its_own() {
        let value = json!({"a \"b\"": [1, 2.5], "none": [], "runs": [{"max": [3.0]}, {}], "words": ["x", null]});
        let expected = r#"{
  "a \"b\"": [1,2.5],
  "none": [],
  "runs": [
    {
      "max": [3.0]
    },
    {}
  ],
  "words": [
    "x",
    null
  ]
}"#;
        let text = lines(&value);
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
