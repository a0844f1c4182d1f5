//! Values joined by lines over one axis and along another.
//!
//! Invariants: a value that has no place on an axis is left out, and its line is broken there, never drawn past the
//! edge; each line has a mark or a dash of its own beside its colour.

use crate::charts::axis::{Axis, short};
use crate::charts::frame::Frame;
use crate::charts::svg::{Anchor, Drawing, MARGIN, Mark, Point, Tone, WIDTH, width_of};

/// The edges of what is drawn, and how high it is.
const LEFT: f64 = MARGIN + 40.0;
const RIGHT: f64 = WIDTH - MARGIN - 12.0;
const HEIGHT: f64 = 300.0;

/// Of the key that tells the lines apart: length of a sample of each, and from one row to the next.
const SAMPLE: f64 = 30.0;
const ROW: f64 = 20.0;

/// A chart of lines.
pub struct Lines {
    /// The words around it.
    pub frame: Frame,
    /// From left to right.
    pub across: Axis,
    /// From bottom to top.
    pub up: Axis,
    /// Later ones cover earlier ones.
    pub lines: Vec<Line>,
}

/// A line.
pub struct Line {
    /// What it is.
    pub name: String,
    /// Its look.
    pub look: Look,
    /// Its values, from left to right; one that is not a number breaks the line.
    pub values: Vec<Point>,
    /// What is written at its values, as far as it goes.
    pub labels: Vec<String>,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its colour.
    pub tone: Tone,
    /// How it is drawn.
    pub stroke: Stroke,
    /// At its values.
    pub mark: Mark,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Without a break.
    Solid,
    /// In dashes.
    Dashed,
    /// In dots.
    Dotted,
    /// In dashes and in the colour of what was promised, whatever the tone.
    Promise,
}

impl Look {
    /// Its classes in the style sheet.
    fn classes(self) -> String {
        let stroke = match self.stroke {
            Stroke::Solid => "",
            Stroke::Dashed => " dashed",
            Stroke::Dotted => " dotted",
            Stroke::Promise => return "promise".to_owned(),
        };
        format!("{}{stroke}", self.tone.class())
    }

    /// The class of its marks.
    fn mark_class(self) -> &'static str {
        if self.stroke == Stroke::Promise { "promise" } else { self.tone.class() }
    }
}

impl Lines {
    /// The file; `None` when no value has a place.
    pub fn draw(&self) -> Option<String> {
        let has_place = |point: &&Point| self.across.share(point.0).is_some() && self.up.share(point.1).is_some();
        let lines: Vec<&Line> =
            self.lines.iter().filter(|line| line.values.iter().any(|point| has_place(&point))).collect();
        if lines.is_empty() {
            return None;
        }
        let (mut drawing, down) = self.frame.begin();
        let top = key(&mut drawing, &lines, down + 26.0) + 40.0;
        let bottom = top + HEIGHT;
        drawing.words((MARGIN, top - 14.0), Anchor::Start, "soft", &self.up.label());
        for (value, label) in self.up.ticks() {
            let Some(share) = self.up.share(*value) else { continue };
            let at = bottom - share * HEIGHT;
            drawing.line((LEFT, at), (RIGHT, at), "grid");
            drawing.words((LEFT - 8.0, at + 4.0), Anchor::End, "soft small", label);
        }
        for (value, label) in self.across.ticks() {
            let Some(share) = self.across.share(*value) else { continue };
            let at = LEFT + share * (RIGHT - LEFT);
            drawing.line((at, bottom), (at, bottom + 5.0), "grid");
            drawing.words((at, bottom + 19.0), Anchor::Middle, "soft small", label);
        }
        drawing.words((RIGHT, bottom + 38.0), Anchor::End, "soft", &self.across.label());
        for line in lines {
            self.draw_line(&mut drawing, line, bottom);
        }
        Some(self.frame.finish(drawing, bottom + 42.0))
    }

    fn draw_line(&self, drawing: &mut Drawing, line: &Line, bottom: f64) {
        let place = |&(across, up): &Point| {
            let (across, up) = (self.across.share(across)?, self.up.share(up)?);
            Some((LEFT + across * (RIGHT - LEFT), bottom - up * HEIGHT))
        };
        let places: Vec<Option<Point>> = line.values.iter().map(place).collect();
        for part in places.split(Option::is_none).map(|part| part.iter().copied().flatten().collect::<Vec<_>>()) {
            match part[..] {
                [] => {}
                // Alone between two gaps it would be no line, and not be seen.
                [at] if line.look.mark == Mark::None => {
                    drawing.mark(at, Mark::Disc, line.look.mark_class(), &line.name)
                }
                _ => drawing.path(&part, &line.look.classes()),
            }
        }
        for (place, value) in places.iter().zip(&line.values) {
            let Some(place) = place else { continue };
            let told = format!("{}: {}", line.name, short(value.1));
            drawing.mark(*place, line.look.mark, line.look.mark_class(), &told);
        }
        for (place, label) in places.iter().zip(&line.labels) {
            let Some((across, down)) = place else { continue };
            let half = width_of(label) / 2.0;
            let (across, anchor) = match *across {
                // Beside what may stand at the axis, such as a promise.
                left if left - half < LEFT => (left + 8.0, Anchor::Start),
                right if right + half > RIGHT => (right + 8.0, Anchor::End),
                middle => (middle, Anchor::Middle),
            };
            drawing.words((across, down - 10.0), anchor, "ink small", label);
        }
    }
}

/// Tells the lines apart, from `down` on; gives back how far down it reaches.
fn key(drawing: &mut Drawing, lines: &[&Line], down: f64) -> f64 {
    let (mut left, mut down) = (MARGIN, down);
    for line in lines {
        let width = SAMPLE + 8.0 + width_of(&line.name);
        if left > MARGIN && left + width > WIDTH - MARGIN {
            (left, down) = (MARGIN, down + ROW);
        }
        drawing.path(&[(left, down - 4.0), (left + SAMPLE, down - 4.0)], &line.look.classes());
        drawing.mark((left + SAMPLE / 2.0, down - 4.0), line.look.mark, line.look.mark_class(), &line.name);
        drawing.words((left + SAMPLE + 8.0, down), Anchor::Start, "ink", &line.name);
        left += width + 16.0;
    }
    down
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::source::Source;
    use serde_json::json;

    fn chart(values: &[Point], mark: Mark) -> Option<String> {
        let look = Look { tone: Tone::Ours, stroke: Stroke::Dashed, mark };
        let line = Line { name: "p99".into(), look, values: values.to_vec(), labels: vec!["first".into()] };
        let frame = Frame::new("Latency", "constant rate", &Source::of("peers", json!({})));
        let (across, up) = (Axis::linear("time, s", [10.0])?, Axis::logarithmic("latency, ms", [1.0, 100.0])?);
        Lines { frame, across, up, lines: vec![line] }.draw()
    }

    /// The points of the lines in `chart`, without those of the key.
    fn paths(chart: &str) -> Vec<&str> {
        let lines = chart.lines().filter_map(|line| line.strip_prefix("<polyline points=\""));
        lines.map(|line| line.split('"').next().unwrap()).skip(1).collect()
    }

    #[test]
    fn values_lie_where_their_axes_say() {
        let chart = chart(&[(0.0, 1.0), (5.0, 10.0), (10.0, 100.0)], Mark::Disc).unwrap();
        let [path] = paths(&chart)[..] else { panic!("{chart}") };
        let places: Vec<f64> = path.split([',', ' ']).map(|number| number.parse().unwrap()).collect();
        let [x1, y1, x2, y2, x3, y3] = places[..] else { panic!("{path}") };
        assert_eq!([x1, x2, x3], [LEFT, (LEFT + RIGHT) / 2.0, RIGHT]);
        assert!((y1 - y2 - HEIGHT / 2.0).abs() < 0.11 && (y2 - y3 - HEIGHT / 2.0).abs() < 0.11, "{path}");
    }

    #[test]
    fn a_line_is_broken_where_a_value_has_no_place() {
        let values = [(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 2.0), (4.0, 1000.0), (5.0, 3.0), (6.0, 3.0)];
        let found = chart(&values, Mark::None).unwrap();
        assert_eq!(paths(&found).len(), 2, "{found}");
        assert_eq!(found.matches("<circle").count(), 1, "the value between the gaps is seen: {found}");
        assert!(!found.contains("NaN"));
    }

    #[test]
    fn a_label_stays_within_the_chart() {
        let look = Look { tone: Tone::Ours, stroke: Stroke::Solid, mark: Mark::Disc };
        let labels = ["first value", "between", "last value"].map(str::to_owned).to_vec();
        let line = Line { name: "a".into(), look, values: vec![(0.0, 1.0), (5.0, 2.0), (10.0, 3.0)], labels };
        let (across, up) = (Axis::linear("s", [10.0]).unwrap(), Axis::linear("ms", [5.0]).unwrap());
        let frame = Frame::new("t", "c", &Source::of("peers", json!({})));
        let chart = Lines { frame, across, up, lines: vec![line] }.draw().unwrap();
        let found = |label: &str| chart.lines().find(|line| line.contains(&format!(">{label}<"))).unwrap().to_owned();
        assert!(!found("first value").contains("text-anchor"), "{chart}");
        assert!(found("between").contains("\"middle\"") && found("last value").contains("\"end\""), "{chart}");
    }

    #[test]
    fn a_chart_has_title_axes_key_and_imprint() {
        let chart = chart(&[(0.0, 1.0), (1.0, 2.0)], Mark::Square).unwrap();
        for words in [
            ">Latency</text>",
            ">constant rate</text>",
            ">time, s</text>",
            ">latency, ms, logarithmic scale</text>",
            ">p99</text>",
            ">first</text>",
            ">make bench-peers</text>",
        ] {
            assert!(chart.contains(words), "{words}: {chart}");
        }
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(chart(&[], Mark::Disc).is_none());
        assert!(chart(&[(1.0, f64::NAN), (11.0, 5.0), (1.0, 0.5)], Mark::Disc).is_none());
    }
}
