//! Figures as text: Prometheus' exposition format 0.0.4.
//!
//! Invariant: what is written by `Family::show` is a whole family: its help, its type, then its samples, each on a line
//! of its own; no text that is put into it can end its line or its quotes.
//! It does not know where the numbers come from.

use std::fmt::{self, Display, Write};

use super::Distribution;

/// What the numbers of a family do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They grow, from 0 at each start. The name ends in `_total`.
    Counter,
    /// They rise and fall.
    Gauge,
    /// They count durations by how long they were. The name ends in the unit, `_seconds`.
    Histogram,
}

/// Figures of one name.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The name, with its unit last.
    pub name: &'static str,
    /// What its numbers do.
    pub kind: Kind,
    /// What it says, in one line.
    pub help: &'static str,
}

impl Kind {
    /// Its name, as the format has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

impl Family {
    /// Appends the family to `out`, with the samples that `sample` gives it. A family may have none for now.
    pub fn show(&self, out: &mut String, sample: impl FnOnce(&mut Samples<'_>)) {
        let Family { name, kind, help } = self;
        line(out, format_args!("# HELP {name} {}", Escaped(help, Place::Help)));
        line(out, format_args!("# TYPE {name} {}", kind.name()));
        sample(&mut Samples { name, out });
    }
}

/// Where the samples of one family go.
#[derive(Debug)]
pub struct Samples<'o> {
    name: &'static str,
    out: &'o mut String,
}

impl Samples<'_> {
    /// A whole number.
    pub fn whole(&mut self, value: u64) {
        line(self.out, format_args!("{} {value}", self.name));
    }

    /// Any number; written so that reading it gives the same one.
    pub fn real(&mut self, value: f64) {
        line(self.out, format_args!("{} {}", self.name, Real(value)));
    }

    /// A whole number that is about what the label says.
    pub fn labelled(&mut self, label: &str, text: &str, value: u64) {
        self.about(&[(label, text)], value);
    }

    /// A whole number that is about what all the labels say, each with its text.
    pub fn about(&mut self, labels: &[(&str, &str)], value: u64) {
        line(self.out, format_args!("{}{} {value}", self.name, Labels(labels, None)));
    }

    /// The buckets of a histogram of seconds, their sum and their count.
    pub fn distribution<const N: usize>(&mut self, read: &Distribution<N>) {
        self.distribution_about(&[], read);
    }

    /// As `distribution`, of one of several histograms of the family, about what the labels say.
    pub fn distribution_about<const N: usize>(&mut self, labels: &[(&str, &str)], read: &Distribution<N>) {
        let Samples { name, out } = self;
        for (bound, count) in read.cumulative() {
            line(out, format_args!("{name}_bucket{} {count}", Labels(labels, Some(bound.as_secs_f64()))));
        }
        line(out, format_args!("{name}_bucket{} {}", Labels(labels, Some(f64::INFINITY)), read.count()));
        line(out, format_args!("{name}_sum{} {}", Labels(labels, None), Real(read.sum().as_secs_f64())));
        line(out, format_args!("{name}_count{} {}", Labels(labels, None), read.count()));
    }
}

fn line(out: &mut String, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes any text");
    out.push('\n');
}

/// Labels in their braces, and the bound of a bucket behind them; nothing at all where there is neither.
struct Labels<'l>(&'l [(&'l str, &'l str)], Option<f64>);

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Labels(labels, bound) = self;
        let mut before = '{';
        for (label, text) in *labels {
            write!(f, "{before}{label}=\"{}\"", Escaped(text, Place::Label))?;
            before = ',';
        }
        if let Some(bound) = bound {
            write!(f, "{before}le=\"{}\"", Real(*bound))?;
            before = ',';
        }
        if before == ',' { f.write_char('}') } else { Ok(()) }
    }
}

/// A number as the format spells it.
struct Real(f64);

impl Display for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            number => number.fmt(f),
        }
    }
}

/// Where a text stands, which decides what must be escaped in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Help,
    Label,
}

struct Escaped<'t>(&'t str, Place);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '\n' => f.write_str("\\n"),
            '"' if self.1 == Place::Label => f.write_str("\\\""),
            _ => f.write_char(character),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Histogram;
    use super::*;

    fn shown(kind: Kind, sample: impl FnOnce(&mut Samples<'_>)) -> String {
        let mut out = String::new();
        Family { name: "kettles", kind, help: "How many." }.show(&mut out, sample);
        out
    }

    #[test]
    fn a_family_is_its_help_its_type_and_its_samples() {
        let text = shown(Kind::Gauge, |samples| {
            samples.whole(9_007_199_254_740_991);
            samples.real(0.000_25);
            samples.labelled("state", "on", 1);
        });
        assert_eq!(
            text,
            "# HELP kettles How many.\n# TYPE kettles gauge\n\
             kettles 9007199254740991\nkettles 0.00025\nkettles{state=\"on\"} 1\n"
        );
    }

    #[test]
    fn a_histogram_is_cumulative_and_ends_at_infinity() {
        let histogram = Histogram::new(const { &[Duration::from_micros(100), Duration::from_millis(2500)] });
        for duration in [Duration::from_micros(50), Duration::from_secs(1), Duration::from_secs(3)] {
            histogram.observe(duration);
        }
        let text = shown(Kind::Histogram, |samples| samples.distribution(&histogram.read()));
        assert_eq!(
            text,
            "# HELP kettles How many.\n# TYPE kettles histogram\n\
             kettles_bucket{le=\"0.0001\"} 1\nkettles_bucket{le=\"2.5\"} 2\nkettles_bucket{le=\"+Inf\"} 3\n\
             kettles_sum 4.00005\nkettles_count 3\n"
        );
    }

    #[test]
    fn labels_stand_before_the_bound_of_a_bucket() {
        let histogram = Histogram::new(const { &[Duration::from_millis(1)] });
        histogram.observe(Duration::from_secs(3));
        let text = shown(Kind::Histogram, |samples| {
            samples.distribution_about(&[("of", "tin"), ("in", "the \"shed\"")], &histogram.read());
        });
        assert_eq!(
            text,
            "# HELP kettles How many.\n# TYPE kettles histogram\n\
             kettles_bucket{of=\"tin\",in=\"the \\\"shed\\\"\",le=\"0.001\"} 0\n\
             kettles_bucket{of=\"tin\",in=\"the \\\"shed\\\"\",le=\"+Inf\"} 1\n\
             kettles_sum{of=\"tin\",in=\"the \\\"shed\\\"\"} 3\nkettles_count{of=\"tin\",in=\"the \\\"shed\\\"\"} 1\n"
        );
    }

    #[test]
    fn no_text_ends_its_line_or_its_quotes() {
        let mut out = String::new();
        let family = Family { name: "a", kind: Kind::Counter, help: "one\nline, \"quoted\", C:\\" };
        family.show(&mut out, |samples| samples.labelled("of", "b\"\n\\", 2));
        assert_eq!(out, "# HELP a one\\nline, \"quoted\", C:\\\\\n# TYPE a counter\na{of=\"b\\\"\\n\\\\\"} 2\n");
    }

    #[test]
    fn infinities_are_spelled_as_the_format_has_them() {
        assert_eq!(
            [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.5].map(|number| Real(number).to_string()),
            ["+Inf", "-Inf", "NaN", "-0.5"]
        );
    }
}
