//! Field sections that were read before, with what they said: the requests of a client differ in their request line,
//! and hardly ever in their fields.
//!
//! Invariant: what is kept of a section is a function of its bytes and of the limits, which stay, and a section is
//! known only when it is the same to the byte, its empty line included. So it reads as it would read again, and to
//! forget one costs time, never an answer. It does not know request lines.

use std::cell::RefCell;

use crate::front::framing::Said;

/// Sections that are kept: clients of so many kinds are read quickly at a time.
const KEPT: usize = 4;

/// Bytes of a section that is kept. What programs send is below; a browser's cookies are not worth comparing.
const BYTES_MAX: usize = 512;

/// Sections, each known from its first to its last byte. One for each thread, and for one set of limits.
/// The one that was met last comes first: nearly always it is met again.
#[derive(Default)]
pub struct Sections(RefCell<Vec<(Vec<u8>, Content)>>);

/// What a sound section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// What it says of the message.
    pub(super) said: Said,
    /// What its names begin with.
    pub(super) initials: Initials,
}

/// The first letters of some names, whatever their case. What is no letter may be taken for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Initials(u32);

impl Initials {
    pub(super) fn of<'n>(names: impl Iterator<Item = &'n str>) -> Initials {
        Initials(names.fold(0, |initials, name| initials | Initials::bit(name)))
    }

    /// False when none of the names begins like `start`.
    pub(super) fn may_hold(self, start: &str) -> bool {
        start.is_empty() || self.0 & Initials::bit(start) != 0
    }

    /// Five bits tell the letters apart, and no two cases of one.
    fn bit(name: &str) -> u32 {
        1 << (name.as_bytes().first().copied().unwrap_or_default() & 31)
    }
}

impl Sections {
    /// The section at the start of `bytes`, when it is known: its bytes, which end with its empty line, and its content.
    pub(super) fn find<'b>(&self, bytes: &'b [u8]) -> Option<(&'b [u8], Content)> {
        let mut kept = self.0.borrow_mut();
        let at = kept.iter().position(|(section, _)| bytes.starts_with(section))?;
        if at > 0 {
            kept.get_mut(..=at)?.rotate_right(1);
        }
        let (section, content) = kept.first()?;
        Some((bytes.get(..section.len())?, *content))
    }

    /// Keeps a sound section, its empty line included, unless it is long, or kept: behind a line that is not plain.
    pub(super) fn keep(&self, section: &[u8], content: Content) {
        let mut kept = self.0.borrow_mut();
        if section.len() > BYTES_MAX || kept.iter().any(|(bytes, _)| bytes == section) {
            return;
        }
        let forgotten = if kept.len() < KEPT { None } else { kept.pop() };
        let mut bytes = forgotten.map_or_else(Vec::new, |(bytes, _)| bytes);
        bytes.clear();
        bytes.extend_from_slice(section);
        kept.insert(0, (bytes, content));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(names: &[&str]) -> Content {
        Content { said: Said::default(), initials: Initials::of(names.iter().copied()) }
    }

    #[test]
    fn a_section_is_known_by_each_of_its_bytes() {
        let sections = Sections::default();
        assert_eq!(sections.find(b"Host: x\r\n\r\n"), None);
        sections.keep(b"Host: x\r\n\r\n", content(&["Host"]));
        assert_eq!(sections.find(b"Host: x\r\n\r\nGET"), Some((&b"Host: x\r\n\r\n"[..], content(&["Host"]))));
        for other in ["Host: x\r\n", "Host: y\r\n\r\n", "host: x\r\n\r\n", "Host: x\r\nA: b\r\n\r\n", ""] {
            assert_eq!(sections.find(other.as_bytes()), None, "{other:?}");
        }
    }

    #[test]
    fn as_many_are_kept_as_are_kept_and_none_that_is_long() {
        let sections = Sections::default();
        let name = |number: usize| format!("Host: {number}\r\n\r\n");
        for number in (0..=KEPT).flat_map(|number| [number, number]) {
            sections.keep(name(number).as_bytes(), content(&["Host"]));
        }
        let known: Vec<_> = (0..=KEPT).filter(|number| sections.find(name(*number).as_bytes()).is_some()).collect();
        assert_eq!(known, (1..=KEPT).collect::<Vec<_>>());
        // In this order they were met, so that the first is the one to forget.
        sections.keep(b"another\r\n\r\n", content(&[]));
        assert!(sections.find(name(1).as_bytes()).is_none() && sections.find(name(2).as_bytes()).is_some());
        for (length, is_kept) in [(BYTES_MAX, true), (BYTES_MAX + 1, false)] {
            let section = format!("{:>length$}", "x\r\n\r\n");
            sections.keep(section.as_bytes(), content(&[]));
            assert_eq!(sections.find(section.as_bytes()).is_some(), is_kept);
        }
    }

    #[test]
    fn initials_are_those_of_the_names_in_any_case() {
        let initials = Initials::of(["Host", "if-match", "X-Y"].into_iter());
        for (start, may_hold) in [("", true), ("h", true), ("If-", true), ("x", true), ("Accept", false), ("g", false)]
        {
            assert_eq!(initials.may_hold(start), may_hold, "{start}");
        }
        assert!(!Initials::default().may_hold("If-"));
    }
}
