//! The corpus of JSON texts, read: each text with the verdict that a clause of RFC 8259 gives.
//!
//! A file is groups; a group is a line with the clause and what it says, then a line for each text: `accept TEXT`, or
//! `reject OFFSET TEXT` with the first byte that cannot be there (the length, where the text ends too early). Bytes
//! that a line cannot hold are spelled as `spelled` has it. Invariant: a verdict says what the clause says, never what
//! some code happens to do.

use crate::support::spelled;

/// The files, each with the name it has in messages.
const FILES: &[(&str, &str)] = &[
    ("values", include_str!("cases/values.txt")),
    ("literals", include_str!("cases/literals.txt")),
    ("structure", include_str!("cases/structure.txt")),
    ("numbers", include_str!("cases/numbers.txt")),
    ("strings", include_str!("cases/strings.txt")),
    ("utf8", include_str!("cases/utf8.txt")),
    ("depth", include_str!("cases/depth.txt")),
];

/// The file whose verdicts rest on our limit of nesting, not on the grammar alone.
pub const OF_OUR_LIMIT: &str = "depth";

/// A text and what is to be said of it.
pub struct Case {
    /// The file it is in.
    pub file: &'static str,
    /// Its line there.
    pub line: usize,
    /// The clause, with what it says here.
    pub clause: &'static str,
    /// The bytes.
    pub text: Vec<u8>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Whether a text is JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Accepted,
    /// It is not, and this byte is the first that cannot be there.
    Refused {
        /// Counted from 0.
        offset: usize,
    },
}

impl Case {
    /// Where it stands, for messages and as part of a key.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// Every case, in the order of the files.
///
/// # Panics
/// With file and line, when a line is not written as it must be.
pub fn cases() -> Vec<Case> {
    FILES.iter().flat_map(|(file, text)| read(file, text)).collect()
}

fn read(file: &'static str, text: &'static str) -> Vec<Case> {
    let (mut cases, mut clause) = (Vec::new(), None);
    for (line, written) in (1..).zip(text.lines()) {
        let (word, rest) = written.split_once(' ').unwrap_or((written, ""));
        let (verdict, spelled) = match word {
            "" => continue,
            "#" => continue,
            "accept" => (Verdict::Accepted, rest),
            "reject" => {
                let split = rest.split_once(' ').and_then(|(offset, spelled)| Some((offset.parse().ok()?, spelled)));
                let (offset, spelled) = split.unwrap_or_else(|| panic!("{file}:{line}: no offset"));
                (Verdict::Refused { offset }, spelled)
            }
            section if section.starts_with('§') => {
                clause = Some(written);
                continue;
            }
            _ => panic!("{file}:{line}: no verdict"),
        };
        let clause = clause.unwrap_or_else(|| panic!("{file}:{line}: no clause"));
        cases.push(Case { file, line, clause, text: spelled::bytes(spelled), verdict });
    }
    cases
}
