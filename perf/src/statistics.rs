//! Medians and spreads of a few repeated measurements. Means are left out on purpose: one disturbed run of seven
//! moves a mean and leaves the median where it was.

/// The middle of repeated measurements, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The median; of an even number of values, the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Summary {
    /// Summarises `values`; `None` when there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Summary> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (low, high) = (*values.first()?, *values.last()?);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(Summary { median: (lower + upper) / 2.0, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_in_any_order() {
        let summary = Summary::of([9.0, 1.0, 5.0, 100.0, 2.0]).unwrap();
        assert_eq!(summary, Summary { median: 5.0, low: 1.0, high: 100.0 });
    }

    #[test]
    fn an_even_number_of_values_has_its_median_between_the_middle_two() {
        assert_eq!(Summary::of([4.0, 1.0, 3.0, 2.0]).unwrap().median, 2.5);
        assert_eq!(Summary::of([4.0]).unwrap(), Summary { median: 4.0, low: 4.0, high: 4.0 });
    }

    #[test]
    fn no_values_have_no_summary() {
        assert_eq!(Summary::of([]), None);
    }
}
