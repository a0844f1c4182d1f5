//! The same text, indented for people.
//!
//! Strings and numbers keep their bytes; only white space between them changes. Indentation grows with the nesting, so
//! that a text of n bytes can become one of a thousand times n: the result is bounded while it grows.

use super::fault::Cause;
use super::scan::{is_space, past_space, past_string};

/// What one level of nesting is indented by.
const INDENT: &[u8] = b"  ";

/// `text` with one member or element a line, two spaces a level, and a space behind each colon; at most `bytes_max`
/// bytes. Empty arrays and objects stay on their line. `text` must have passed `base::json::check`.
///
/// # Errors
/// `TooLarge`.
pub fn pretty(text: &[u8], bytes_max: usize) -> Result<Vec<u8>, Cause> {
    let (mut out, mut at, mut depth) = (Vec::new(), past_space(text, 0), 0_usize);
    while let Some(byte) = text.get(at) {
        let start = at;
        at = match byte {
            b'"' => past_string(text, at),
            _ => at + 1,
        };
        match byte {
            b'{' | b'[' => {
                out.push(*byte);
                let inner = past_space(text, at);
                match text.get(inner) {
                    Some(closing @ (b'}' | b']')) => {
                        out.push(*closing);
                        at = inner + 1;
                    }
                    _ => {
                        depth += 1;
                        begin_line(&mut out, depth);
                    }
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                begin_line(&mut out, depth);
                out.push(*byte);
            }
            b',' => {
                out.push(b',');
                begin_line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            byte if is_space(*byte) => {}
            _ => out.extend_from_slice(text.get(start..at).unwrap_or_default()),
        }
        if out.len() > bytes_max {
            return Err(Cause::TooLarge { bytes_max });
        }
    }
    Ok(out)
}

fn begin_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    for _ in 0..depth {
        out.extend_from_slice(INDENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indented(text: &str) -> String {
        String::from_utf8(pretty(text.as_bytes(), 1000).unwrap()).unwrap()
    }

    #[test]
    fn each_member_and_element_has_a_line() {
        let text = r#" {"a":[1.0,{"b" : "x, {\" : ]"}],"c":{ },"d":[
        ],"e":1e400} "#;
        let expected = r#"{
  "a": [
    1.0,
    {
      "b": "x, {\" : ]"
    }
  ],
  "c": {},
  "d": [],
  "e": 1e400
}"#;
        assert_eq!(indented(text), expected);
        // Once more changes nothing.
        assert_eq!(indented(expected), expected);
    }

    #[test]
    fn a_scalar_is_itself() {
        for text in ["null", "-1.50E+3", "\" \\u00e9 \"", "[]", "{}"] {
            assert_eq!(indented(text), text);
        }
        assert_eq!(indented(" 7\n"), "7");
    }

    #[test]
    fn indentation_is_bounded_while_it_grows() {
        let text = format!("{}{}{}", "[".repeat(1000), "0,".repeat(1000) + "0", "]".repeat(1000));
        assert_eq!(pretty(text.as_bytes(), 10_000), Err(Cause::TooLarge { bytes_max: 10_000 }));
        assert_eq!(pretty(b"[1]", 7).as_deref(), Ok(b"[\n  1\n]".as_slice()));
        assert_eq!(pretty(b"[1]", 6), Err(Cause::TooLarge { bytes_max: 6 }));
    }

    #[test]
    fn an_unchecked_text_is_indented_without_a_panic() {
        for text in ["", "{", "]", "[\"", "{\"a\":", "[}", ",,::"] {
            assert!(pretty(text.as_bytes(), 100).is_ok(), "{text}");
        }
    }
}
