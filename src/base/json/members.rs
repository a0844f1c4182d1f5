//! The members of an object, as spans of its text.

use super::trim;

/// One member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// The name as written, quotes and escapes included.
    pub name: &'a [u8],
    /// Offset of the name in the object's text.
    pub name_offset: usize,
    /// The value as written, without white space around it.
    pub value: &'a [u8],
    /// Offset of the value in the object's text.
    pub value_offset: usize,
}

/// Walks the members of an object in the order in which they are written.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    text: &'a [u8],
    at: usize,
}

/// The members of `text`, which must have passed `check`; `None` when it is not an object.
///
/// On a text that was not checked the spans are unspecified, but nothing panics.
pub fn members(text: &[u8]) -> Option<Members<'_>> {
    let start = text.len() - trim_start(text).len();
    (text.get(start) == Some(&b'{')).then_some(Members { text, at: start + 1 })
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    start.and_then(|start| text.get(start..)).unwrap_or_default()
}

impl<'a> Members<'a> {
    /// Moves to the first byte from here on that satisfies `wanted`.
    fn seek(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        let found = self.text.get(self.at..)?.iter().position(|byte| wanted(*byte))?;
        self.at += found;
        self.text.get(self.at).copied()
    }

    /// Moves past the string that begins here.
    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.seek(|byte| byte == b'"' || byte == b'\\')? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                _ => self.at += 2,
            }
        }
    }

    /// Moves past the value that begins here, to the comma or brace behind it.
    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.seek(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b','))? {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b',' | b'}' if depth == 0 => return Some(()),
                b'}' | b']' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        if self.seek(|byte| byte == b'"' || byte == b'}')? == b'}' {
            return None;
        }
        let name_offset = self.at;
        self.skip_string()?;
        let name = self.text.get(name_offset..self.at)?;
        self.seek(|byte| byte == b':')?;
        self.at += 1;
        self.seek(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))?;
        let value_offset = self.at;
        self.skip_value()?;
        let value = trim(self.text.get(value_offset..self.at)?);
        Some(Member { name, name_offset, value, value_offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<(&str, &str)> {
        let as_text = |bytes| std::str::from_utf8(bytes).unwrap();
        members(text.as_bytes()).unwrap().map(|member| (as_text(member.name), as_text(member.value))).collect()
    }

    #[test]
    fn members_come_as_they_are_written() {
        assert_eq!(spans("{}"), []);
        assert_eq!(
            spans(r#" { "a" : [1, {"b":"},\""}] , "c\"":-1.50, "d":"x" } "#),
            [("\"a\"", r#"[1, {"b":"},\""}]"#), ("\"c\\\"\"", "-1.50"), ("\"d\"", "\"x\"")]
        );
    }

    #[test]
    fn offsets_point_into_the_text() {
        let text = br#"{ "a":1, "b": {} }"#;
        for member in members(text).unwrap() {
            assert_eq!(&text[member.value_offset..member.value_offset + member.value.len()], member.value);
            assert_eq!(&text[member.name_offset..member.name_offset + member.name.len()], member.name);
        }
    }

    #[test]
    fn what_is_not_an_object_has_no_members() {
        for text in ["[]", "1", "\"{\"", "", "  "] {
            assert!(members(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn an_unchecked_text_ends_the_walk_without_a_panic() {
        for text in ["{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\":]}", "{\"a\\", "{\"a\":\"\\"] {
            assert_eq!(members(text.as_bytes()).unwrap().count(), 0, "{text}");
        }
    }
}
