//! What is around every chart: its title, under which conditions, and beneath it where its figures come from.
//!
//! It does not know what is drawn between.

use crate::charts::source::Source;
use crate::charts::svg::{Anchor, Drawing, MARGIN, lines_of};

/// From one line of small words to the next.
const LINE: f64 = 17.0;

/// The words around a chart.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What is seen.
    pub title: String,
    /// Under which conditions, and how it is to be read.
    pub conditions: String,
    /// Where the figures come from.
    pub imprint: [String; 2],
}

impl Frame {
    /// Around a chart of figures of `source`.
    pub fn new(title: impl Into<String>, conditions: impl Into<String>, source: &Source) -> Frame {
        Frame { title: title.into(), conditions: conditions.into(), imprint: source.imprint() }
    }

    /// A drawing with the title and the conditions, and how far down they reach.
    pub fn begin(&self) -> (Drawing, f64) {
        let mut drawing = Drawing::new(&self.title);
        let mut down = MARGIN + 10.0;
        drawing.words((MARGIN, down), Anchor::Start, "ink title", &self.title);
        for line in lines_of(&self.conditions) {
            down += LINE + 2.0;
            drawing.words((MARGIN, down), Anchor::Start, "soft", &line);
        }
        (drawing, down)
    }

    /// The file of a chart that reaches so far down, with the imprint beneath it.
    pub fn finish(&self, mut drawing: Drawing, down: f64) -> String {
        let mut down = down + 8.0;
        for line in self.imprint.iter().flat_map(|words| lines_of(words)) {
            down += LINE;
            drawing.words((MARGIN, down), Anchor::Start, "soft small", &line);
        }
        drawing.finish(down + MARGIN - 8.0)
    }
}
