//! Numbers to places: an axis, its scale and its ticks.
//!
//! Invariants: a linear axis begins at zero, so no difference looks larger than it is; a logarithmic one says so in its
//! label. A value outside of an axis has no place on it.

/// How values lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equal distances; from zero on.
    Linear,
    /// Equal ratios are equal distances.
    Logarithmic,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    label: String,
    scale: Scale,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From zero to a round number that no value is above; `None` when no value is above zero.
    pub fn linear(label: &str, values: impl IntoIterator<Item = f64>) -> Option<Axis> {
        let highest = values.into_iter().filter(|value| value.is_finite()).fold(0.0, f64::max);
        if highest <= 0.0 {
            return None;
        }
        let step = round_step(highest / 5.0);
        let steps = (highest / step - 1e-9).ceil().max(1.0);
        let ticks = (0..=steps as u32).map(|tick| f64::from(tick) * step).map(|value| (value, short(value))).collect();
        Some(Axis { label: label.to_owned(), scale: Scale::Linear, low: 0.0, high: step * steps, ticks })
    }

    /// From one power of ten to another, all values between them; `None` without a value above zero.
    pub fn logarithmic(label: &str, values: impl IntoIterator<Item = f64>) -> Option<Axis> {
        let (lowest, highest) = ends(values)?;
        let (first, last) = ((lowest.log10() + 1e-9).floor() as i32, (highest.log10() - 1e-9).ceil() as i32);
        let powers = first..=last.max(first + 1);
        let ticks: Vec<_> = powers.map(|power| 10f64.powi(power)).map(|value| (value, short(value))).collect();
        Some(Axis::between(label, Scale::Logarithmic, ticks))
    }

    /// Logarithmic, with a tick at each of `values`, the first and the last of which are its ends; `None` with fewer
    /// than two different ones above zero.
    pub fn of_ratios(label: &str, values: impl IntoIterator<Item = f64>) -> Option<Axis> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite() && *value > 0.0).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let ticks: Vec<_> = values.into_iter().map(|value| (value, short(value))).collect();
        (ticks.len() > 1).then(|| Axis::between(label, Scale::Logarithmic, ticks))
    }

    /// A place for each of `names`, at 0, 1, 2 and so on; `None` with fewer than two.
    pub fn of_names(label: &str, names: &[&str]) -> Option<Axis> {
        let ticks: Vec<_> = names.iter().zip(0u32..).map(|(name, place)| (place.into(), (*name).to_owned())).collect();
        (ticks.len() > 1).then(|| Axis::between(label, Scale::Linear, ticks))
    }

    fn between(label: &str, scale: Scale, ticks: Vec<(f64, String)>) -> Axis {
        let end = |tick: Option<&(f64, String)>| tick.map_or(1.0, |(value, _)| *value);
        let (low, high) = (end(ticks.first()), end(ticks.last()));
        Axis { label: label.to_owned(), scale, low, high, ticks }
    }

    /// What is read beside it, with how it is to be read.
    pub fn label(&self) -> String {
        match self.scale {
            Scale::Linear => self.label.clone(),
            Scale::Logarithmic => format!("{}, logarithmic scale", self.label),
        }
    }

    /// Where `value` lies, 0 at the axis's low end and 1 at its high one; `None` when it lies on neither side of them.
    pub fn share(&self, value: f64) -> Option<f64> {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        (-1e-9..=1.0 + 1e-9).contains(&share).then(|| share.clamp(0.0, 1.0))
    }

    /// Values with what is read at them, each on the axis, ascending.
    pub fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }
}

/// The smallest and the largest of `values` above zero.
fn ends(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let values = values.into_iter().filter(|value| value.is_finite() && *value > 0.0);
    values.fold(None, |ends, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

/// 1, 2, 2.5 or 5 times a power of ten, not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let found = [1.0, 2.0, 2.5, 5.0].into_iter().map(|digit| digit * power).find(|step| *step >= least * (1.0 - 1e-9));
    found.unwrap_or(10.0 * power)
}

/// Three digits, with `k` and `M` for thousands and millions: `0.05`, `2.5`, `120`, `12.5k`, `655k`.
pub fn short(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        large if large >= 999_500.0 => (value / 1e6, "M"),
        large if large >= 999.5 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        0.0 => 0,
        small => 2 - small.log10().floor() as i32,
    };
    let text = format!("{scaled:.*}", usize::try_from(digits).unwrap_or(0));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks().iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn a_linear_axis_begins_at_zero_and_ends_at_a_round_number() {
        for (values, expected) in [
            (vec![655_006.0, 34_271.0], vec!["0", "200k", "400k", "600k", "800k"]),
            (vec![38.1, 1.5], vec!["0", "10", "20", "30", "40"]),
            (vec![1.0], vec!["0", "0.2", "0.4", "0.6", "0.8", "1"]),
            (vec![12.0], vec!["0", "2.5", "5", "7.5", "10", "12.5"]),
        ] {
            let axis = Axis::linear("x", values.clone()).unwrap();
            assert_eq!(labels(&axis), expected);
            assert_eq!(axis.share(0.0), Some(0.0));
            assert!(values.iter().all(|value| axis.share(*value).is_some()));
        }
    }

    #[test]
    fn a_value_twice_as_large_lies_twice_as_far_on_a_linear_axis() {
        let axis = Axis::linear("x", [100.0]).unwrap();
        assert_eq!([0.0, 25.0, 50.0, 100.0].map(|value| axis.share(value).unwrap()), [0.0, 0.25, 0.5, 1.0]);
    }

    #[test]
    fn a_value_ten_times_as_large_lies_as_far_again_on_a_logarithmic_axis_which_says_so() {
        let axis = Axis::logarithmic("latency, ms", [0.03, 12.0]).unwrap();
        assert_eq!(labels(&axis), ["0.01", "0.1", "1", "10", "100"]);
        for (value, expected) in [(0.01, 0.0), (0.1, 0.25), (1.0, 0.5), (100.0, 1.0)] {
            assert!((axis.share(value).unwrap() - expected).abs() < 1e-9, "{value}");
        }
        assert_eq!(axis.label(), "latency, ms, logarithmic scale");
        assert_eq!(Axis::linear("ms", [1.0]).unwrap().label(), "ms");
        assert_eq!(labels(&Axis::logarithmic("x", [10.0]).unwrap()), ["10", "100"]);
    }

    #[test]
    fn ticks_may_be_the_values_themselves() {
        let axis = Axis::of_ratios("connections", [256.0, 1.0, 16.0, 16.0]).unwrap();
        assert_eq!(labels(&axis), ["1", "16", "256"]);
        assert!((axis.share(16.0).unwrap() - 0.5).abs() < 1e-9);
        let axis = Axis::of_names("", &["p50", "p99", "max"]).unwrap();
        assert_eq!((axis.share(1.0), labels(&axis)), (Some(0.5), vec!["p50", "p99", "max"]));
    }

    #[test]
    fn without_values_there_is_no_axis() {
        let nothing = || [0.0, -1.0, f64::NAN, f64::INFINITY];
        assert!(Axis::linear("x", nothing()).is_none() && Axis::linear("x", []).is_none());
        assert!(Axis::logarithmic("x", nothing()).is_none() && Axis::logarithmic("x", []).is_none());
        assert!(Axis::of_ratios("x", [3.0, 3.0, f64::NAN]).is_none());
        assert!(Axis::of_names("x", &["alone"]).is_none());
    }

    #[test]
    fn what_is_not_on_an_axis_has_no_place() {
        let linear = Axis::linear("x", [10.0]).unwrap();
        assert!([-1.0, 10.1, f64::NAN, f64::INFINITY].iter().all(|value| linear.share(*value).is_none()));
        let logarithmic = Axis::logarithmic("x", [1.0, 10.0]).unwrap();
        assert!([0.0, -1.0, 0.9, 11.0, f64::NAN].iter().all(|value| logarithmic.share(*value).is_none()));
    }

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (0.05, "0.05"),
            (2.5, "2.5"),
            (8.084, "8.08"),
            (120.0, "120"),
            (999.4, "999"),
            (999.6, "1k"),
            (12_500.0, "12.5k"),
            (655_006.0, "655k"),
            (999_700.0, "1M"),
            (1_020_000.0, "1.02M"),
        ] {
            assert_eq!(short(value), expected);
        }
    }
}
