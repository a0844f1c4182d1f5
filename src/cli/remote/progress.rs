//! How far it is, in one line of a terminal: a bar where the end is known, a count where it is not. Where standard error
//! is no terminal, nothing.

use std::cell::Cell;
use std::fmt::Arguments;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::log;

/// A bar of bytes, with a count of lines beside it; and of documents, with a count of bytes.
const OF_BYTES: &str = "{wide_bar} {bytes} of {total_bytes}, {msg}, {bytes_per_sec}, {eta} left";
const OF_DOCUMENTS: &str = "{wide_bar} {human_pos} of {human_len} documents, {msg}, {per_sec}, {eta} left";

/// The same where nobody knows the end.
const BYTES: &str = "{spinner} {bytes}, {msg}, {bytes_per_sec}, {elapsed}";
const DOCUMENTS: &str = "{spinner} {human_pos} documents, {msg}, {per_sec}, {elapsed}";

/// How long the line stays as it is.
const REST: Duration = Duration::from_millis(100);

/// What the bar is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// By bytes; beside them are lines.
    Bytes,
    /// By documents; beside them are bytes.
    Documents,
}

/// A line on the terminal that says how far it is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    measure: Measure,
    /// When it was last drawn; `None` before that.
    drawn: Cell<Option<Instant>>,
}

impl Progress {
    /// None is shown, whatever is on the other end of standard error.
    pub fn hidden() -> Progress {
        Progress { bar: ProgressBar::hidden(), measure: Measure::Bytes, drawn: Cell::default() }
    }

    /// From 0 to `end`, if it is known.
    pub fn new(measure: Measure, end: Option<u64>) -> Progress {
        let bar = ProgressBar::with_draw_target(end, ProgressDrawTarget::stderr());
        let template = match (measure, end) {
            (Measure::Bytes, Some(_)) => OF_BYTES,
            (Measure::Bytes, None) => BYTES,
            (Measure::Documents, Some(_)) => OF_DOCUMENTS,
            (Measure::Documents, None) => DOCUMENTS,
        };
        let style = ProgressStyle::with_template(template).expect("the templates above are well-formed");
        Progress { bar: bar.with_style(style.progress_chars("=> ")), measure, drawn: Cell::default() }
    }

    /// Whether anybody sees it.
    pub fn is_shown(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// It is at so many bytes, and so many lines or documents.
    pub fn at(&self, bytes: u64, count: u64) {
        let now = Instant::now();
        if !self.is_shown() || self.drawn.get().is_some_and(|drawn| now.duration_since(drawn) < REST) {
            return;
        }
        self.drawn.set(Some(now));
        let (position, beside) = match self.measure {
            Measure::Bytes => (bytes, format!("{} lines", HumanCount(count))),
            Measure::Documents => (count, HumanBytes(bytes).to_string()),
        };
        self.bar.set_message(beside);
        self.bar.set_position(position);
    }

    /// Says something above the line.
    pub fn warn(&self, text: Arguments<'_>) {
        self.bar.suspend(|| log::warn(text));
    }
}

impl Drop for Progress {
    /// What comes next on the terminal stands where the line was.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
