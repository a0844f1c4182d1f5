//! The members of an object, as spans of its text.

use super::trim;
use super::walk::Walk;

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
pub struct Members<'a>(Walk<'a>);

/// The members of `text`, which must have passed `check`; `None` when it is not an object.
///
/// On a text that was not checked the spans are unspecified, but nothing panics.
pub fn members(text: &[u8]) -> Option<Members<'_>> {
    Walk::into(text, b'{').map(Members)
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let walk = &mut self.0;
        if walk.seek(|byte| byte == b'"' || byte == b'}')? == b'}' {
            return None;
        }
        let name_offset = walk.at;
        walk.skip_string()?;
        let name = walk.text.get(name_offset..walk.at)?;
        walk.seek(|byte| byte == b':')?;
        walk.at += 1;
        walk.skip_space()?;
        let value_offset = walk.at;
        let value = trim(walk.skip_value(b'}')?);
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
        assert!(spans("{}").is_empty());
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
