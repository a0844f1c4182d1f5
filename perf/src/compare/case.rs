//! What is asked of both.

use crate::journal::Who;
use crate::options::Options;
use crate::pace::Pace;

/// A kind of run.
#[derive(Debug)]
pub struct Case {
    /// Its name in results.
    pub name: &'static str,
    /// True for PUT over documents of the same size, false for GET.
    pub is_write: bool,
    /// True when `--depth` requests are sent together.
    pub is_pipelined: bool,
    /// How the server keeps its journal.
    pub mode: Who,
}

impl Case {
    /// When the next request goes out.
    pub fn pace(&self, options: &Options) -> Pace {
        if self.is_pipelined { Pace::Batch(options.depth) } else { Pace::Window(1) }
    }
}

/// The cases, in their order within a round: the hot paths.
pub const CASES: &[Case] = &[
    Case { name: "GET", is_write: false, is_pipelined: false, mode: Who::Off },
    Case { name: "GET, pipelined", is_write: false, is_pipelined: true, mode: Who::Off },
    Case { name: "PUT", is_write: true, is_pipelined: false, mode: Who::Off },
    Case { name: "PUT, pipelined", is_write: true, is_pipelined: true, mode: Who::Off },
    Case { name: "PUT, everysec", is_write: true, is_pipelined: false, mode: Who::Everysec },
];

/// The modes that the cases name.
pub const MODES: [Who; 2] = [Who::Off, Who::Everysec];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_each_mode_has_a_server() {
        let names: std::collections::BTreeSet<_> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
        assert!(CASES.iter().all(|case| MODES.contains(&case.mode)));
    }
}
