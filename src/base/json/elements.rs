//! The elements of an array, as spans of its text.

use super::trim;
use super::walk::Walk;

/// Walks the elements of an array in the order in which they are written.
#[derive(Clone, Debug)]
pub struct Elements<'a>(Walk<'a>);

/// The elements of `text`, which must have passed `check`, as written, without white space around each; `None` when it
/// is not an array.
///
/// On a text that was not checked the spans are unspecified, but nothing panics.
pub fn elements(text: &[u8]) -> Option<Elements<'_>> {
    Walk::into(text, b'[').map(Elements)
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.skip_space()? == b']' {
            return None;
        }
        let element = self.0.skip_value(b']')?;
        // Past the comma; the closing bracket is for the next call to see.
        if self.0.text.get(self.0.at) == Some(&b',') {
            self.0.at += 1;
        }
        Some(trim(element))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<&str> {
        elements(text.as_bytes()).unwrap().map(|element| std::str::from_utf8(element).unwrap()).collect()
    }

    #[test]
    fn elements_come_as_they_are_written() {
        assert_eq!(spans(" [ ] "), [] as [&str; 0]);
        assert_eq!(spans(r#"[1]"#), ["1"]);
        assert_eq!(
            spans(r#" [ [1, "],"] , {"a": [2]},"x\"]" , null,[] ] "#),
            [r#"[1, "],"]"#, r#"{"a": [2]}"#, r#""x\"]""#, "null", "[]"]
        );
    }

    #[test]
    fn what_is_not_an_array_has_no_elements() {
        for text in ["{}", "1", "\"[\"", "", "  "] {
            assert!(elements(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn an_unchecked_text_ends_the_walk_without_a_panic() {
        for text in ["[", "[\"", "[\"a", "[{", "[}", "[1", "[\"\\"] {
            assert_eq!(elements(text.as_bytes()).unwrap().count(), 0, "{text}");
        }
    }
}
