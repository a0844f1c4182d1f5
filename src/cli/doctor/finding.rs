//! One line of the report: how it stands, the figure, why it matters, and what changes it.

use std::fmt;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and there is something to know or to change.
    Warn,
    /// It will not work, or data is at risk.
    Bad,
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub verdict: Verdict,
    /// What it is about.
    pub about: &'static str,
    /// What was measured or read.
    pub figure: String,
    /// Why it matters, or why it does not.
    pub why: String,
    /// What can be typed to change it; empty where nothing is to be changed.
    pub change: String,
}

impl Finding {
    /// It is as it should be.
    pub fn ok(about: &'static str, figure: impl Into<String>, why: impl Into<String>) -> Finding {
        let (figure, why) = (figure.into(), why.into());
        Finding { verdict: Verdict::Ok, about, figure, why, change: String::new() }
    }

    /// It works, and may be better.
    pub fn warn(
        about: &'static str,
        figure: impl Into<String>,
        why: impl Into<String>,
        change: impl Into<String>,
    ) -> Finding {
        Finding { change: change.into(), verdict: Verdict::Warn, ..Finding::ok(about, figure, why) }
    }

    /// It will not work.
    pub fn bad(
        about: &'static str,
        figure: impl Into<String>,
        why: impl Into<String>,
        change: impl Into<String>,
    ) -> Finding {
        Finding { change: change.into(), verdict: Verdict::Bad, ..Finding::ok(about, figure, why) }
    }

    /// Nobody tells: `place` is not there or may not be read.
    pub fn untold(about: &'static str, place: &str) -> Finding {
        let why = "it may not be readable, or not be there in a container";
        Finding::warn(about, "not known", why, format!("look at {place} on the machine itself"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Bad => "bad",
        };
        write!(f, "{verdict:4}  {:13}  {}; {}", self.about, self.figure, self.why)?;
        if self.change.is_empty() { Ok(()) } else { write!(f, "; to change it: {}", self.change) }
    }
}

/// `bytes` as people read them, rounded to a tenth of a unit.
pub fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.iter().find(|(_, shift)| bytes >> shift > 0) {
        Some((unit, shift)) => {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_with_all_of_its_parts() {
        let lines = [
            Finding::ok("swap", "none", "nothing can be swapped out").to_string(),
            Finding::bad("disk", "full", "nothing can be written", "rm something").to_string(),
        ];
        assert_eq!(
            lines,
            [
                "ok    swap           none; nothing can be swapped out",
                "bad   disk           full; nothing can be written; to change it: rm something"
            ]
        );
    }

    #[test]
    fn sizes_are_rounded_to_a_tenth() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (64 << 20, "64.0 MiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
