//! Bars in groups, one under the other: a length for each value, from zero on.
//!
//! Invariants: all bars of a chart share one axis, which begins at zero; every bar has its number beside it and a thin
//! line over the spread of its rounds. What was promised of a bar is a dashed line across it, and is written behind the
//! number.

use crate::charts::axis::{Axis, short};
use crate::charts::frame::Frame;
use crate::charts::source::Stored;
use crate::charts::svg::{Anchor, Drawing, MARGIN, Tone, WIDTH};

/// Where bars begin and how far they may go: names stand before them and numbers behind.
const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - 200.0;

/// Of a bar, and from one to the next.
const THICKNESS: f64 = 14.0;
const STEP: f64 = 21.0;

/// A chart of bars.
pub struct Bars {
    /// The words around it.
    pub frame: Frame,
    /// What the axis counts, with its unit.
    pub axis: String,
    /// From top to bottom.
    pub groups: Vec<Group>,
}

/// Bars that are compared with each other.
pub struct Group {
    /// What they have in common.
    pub name: String,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// A value.
pub struct Bar {
    /// Whose it is.
    pub name: String,
    /// In which colour.
    pub tone: Tone,
    /// Median and spread.
    pub value: Stored,
    /// What was promised of it, as a value on the axis and in words.
    pub promise: Option<(f64, String)>,
}

impl Bars {
    /// The file; `None` without a value above zero.
    pub fn draw(&self) -> Option<String> {
        let bars = || self.groups.iter().flat_map(|group| &group.bars);
        let promises = bars().filter_map(|bar| bar.promise.as_ref()).map(|(value, _)| *value);
        let axis = Axis::linear(&self.axis, bars().flat_map(|bar| [bar.value.median, bar.value.high]).chain(promises))?;
        let (mut drawing, top) = self.frame.begin();
        let top = top + 34.0;
        let groups = self.groups.iter().filter(|group| !group.bars.is_empty());
        let lines: usize = groups.clone().map(|group| group.bars.len()).sum();
        let bottom = top + STEP * (lines as f64 + 1.2 * groups.clone().count() as f64) + 4.0;
        drawing.words((LEFT, top - 12.0), Anchor::Start, "soft", &axis.label());
        for (value, label) in axis.ticks() {
            let Some(across) = across(&axis, *value) else { continue };
            drawing.line((across, top), (across, bottom), "grid");
            drawing.words((across, bottom + 16.0), Anchor::Middle, "soft small", label);
        }
        let mut down = top;
        for group in groups {
            down += 1.2 * STEP;
            drawing.words((MARGIN, down - 7.0), Anchor::Start, "ink", &group.name);
            for bar in &group.bars {
                bar.draw(&mut drawing, &axis, down);
                down += STEP;
            }
        }
        Some(self.frame.finish(drawing, bottom + 20.0))
    }
}

impl Bar {
    /// Draws the bar from `down` on.
    fn draw(&self, drawing: &mut Drawing, axis: &Axis, down: f64) {
        let Stored { median, low, high, .. } = self.value;
        let (Some(zero), Some(end)) = (across(axis, 0.0), across(axis, median)) else { return };
        let (middle, words) = (down + THICKNESS / 2.0, down + THICKNESS - 3.0);
        drawing.words((LEFT - 8.0, words), Anchor::End, "soft", &self.name);
        let told = format!("{}: {} ({} to {})", self.name, short(median), short(low), short(high));
        drawing.rectangle((zero, down), (end - zero, THICKNESS), self.tone.class(), &told);
        let mut reaches = end;
        if let (Some(low), Some(high)) = (across(axis, low), across(axis, high)) {
            drawing.line((low, middle), (high, middle), "ink thin");
            reaches = reaches.max(high);
        }
        let mut number = short(median);
        if let Some((bound, promise)) = &self.promise {
            number = format!("{number}, {promise}");
            if let Some(across) = across(axis, *bound) {
                drawing.line((across, down - 4.0), (across, down + THICKNESS + 4.0), "promise");
                reaches = reaches.max(across);
            }
        }
        drawing.words((reaches + 6.0, words), Anchor::Start, "ink", &number);
    }
}

/// Where `value` lies between the left and the right.
fn across(axis: &Axis, value: f64) -> Option<f64> {
    axis.share(value).map(|share| LEFT + share * (RIGHT - LEFT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::source::Source;
    use serde_json::json;

    fn bars(values: &[(&str, f64)]) -> Bars {
        let bar = |&(name, median): &(&str, f64)| Bar {
            name: name.to_owned(),
            tone: Tone::Ours,
            value: Stored { median, low: median * 0.9, high: median * 1.25, bound: None },
            promise: None,
        };
        let group = Group { name: "GET".into(), bars: values.iter().map(bar).collect() };
        let frame = Frame::new("CPU", "64 connections", &Source::of("peers", json!({})));
        Bars { frame, axis: "µs a request".into(), groups: vec![group] }
    }

    /// The widths of the bars in `chart`.
    fn widths(chart: &str) -> Vec<f64> {
        let bars = chart.lines().filter(|line| line.starts_with("<rect x="));
        bars.map(|line| line.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn lengths_are_in_proportion_to_the_values() {
        let chart = bars(&[("a", 8.0), ("b", 4.0), ("c", 1.0)]).draw().unwrap();
        let [a, b, c] = widths(&chart)[..] else { panic!("{chart}") };
        assert!((a - 2.0 * b).abs() < 0.2 && (a - 8.0 * c).abs() < 0.8, "{a} {b} {c}");
        assert_eq!(a, (RIGHT - LEFT) * 8.0 / 10.0);
    }

    #[test]
    fn a_chart_has_title_axis_numbers_spread_and_imprint() {
        let chart = bars(&[("nginx", 8.0)]).draw().unwrap();
        for words in [
            ">CPU</text>",
            ">64 connections</text>",
            ">µs a request</text>",
            ">nginx</text>",
            ">8</text>",
            ">make bench-peers</text>",
        ] {
            assert!(chart.contains(words), "{words}: {chart}");
        }
        assert!(chart.contains("nginx: 8 (7.2 to 10)"), "{chart}");
    }

    #[test]
    fn a_promise_lies_on_the_axis_and_is_told() {
        let mut missed = bars(&[("ours", 8.0), ("other", 16.0)]);
        missed.groups[0].bars[0].promise = Some((5.0, "at most 5".into()));
        let chart = missed.draw().unwrap();
        let expected = LEFT + (RIGHT - LEFT) * 5.0 / 20.0;
        assert!(
            chart.contains(&format!("<line x1=\"{expected}\"")) && chart.contains("class=\"line promise\""),
            "{chart}"
        );
        assert!(chart.contains(">8, at most 5</text>"), "{chart}");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(bars(&[]).draw().is_none());
        assert!(bars(&[("a", 0.0)]).draw().is_none());
        assert!(bars(&[("a", f64::NAN)]).draw().is_none());
        let mut some = bars(&[("a", 1.0), ("b", f64::NAN)]);
        some.groups.push(Group { name: "empty".into(), bars: Vec::new() });
        let chart = some.draw().unwrap();
        assert_eq!(widths(&chart).len(), 1);
        assert!(!chart.contains("NaN") && !chart.contains("empty"), "{chart}");
    }
}
