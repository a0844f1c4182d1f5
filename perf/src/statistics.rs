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

/// Where the middle of paired differences lies, and how surely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The Hodges-Lehmann estimate: the median of the means of all pairs.
    pub estimate: f64,
    /// The lower end of the interval that holds the middle with 95 % confidence.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Of `differences`, by Wilcoxon's signed-rank test: no distribution is assumed, only that chance is as likely to
    /// disturb the one as the other. `None` for fewer than `ROUNDS_MIN`, which cannot be so sure whatever they are.
    pub fn of(differences: impl IntoIterator<Item = f64>) -> Option<Interval> {
        let differences: Vec<f64> = differences.into_iter().collect();
        let outside = ranks_outside(differences.len())?;
        let mut means = Vec::new();
        for (place, one) in differences.iter().enumerate() {
            means.extend(differences.iter().take(place + 1).map(|other| (one + other) / 2.0));
        }
        means.sort_by(f64::total_cmp);
        let low = *means.get(outside)?;
        let high = *means.iter().rev().nth(outside)?;
        Some(Interval { estimate: Summary::of(means)?.median, low, high })
    }

    /// The same in another scale; `scale` keeps the order.
    #[must_use]
    pub fn map(self, scale: fn(f64) -> f64) -> Interval {
        Interval { estimate: scale(self.estimate), low: scale(self.low), high: scale(self.high) }
    }
}

/// Pairs from which on an interval can be given at all: with 5 even all of one sign are chance in 6 of 100 cases.
pub const ROUNDS_MIN: u32 = 6;

/// How many means lie outside of the interval on each side: the largest rank sum that chance stays at or below in at
/// most 2.5 of 100 cases, the critical value of the test. `None` when even 0 is likelier than that.
fn ranks_outside(pairs: usize) -> Option<usize> {
    // Of the 2^pairs ways to give ranks 1 to `pairs` a sign, the share that has each sum of positive ones.
    let mut shares = vec![1.0];
    for rank in 1..=pairs {
        let mut next = vec![0.0; shares.len() + rank];
        for (sum, share) in shares.iter().enumerate() {
            for at in [sum, sum + rank] {
                if let Some(place) = next.get_mut(at) {
                    *place += share / 2.0;
                }
            }
        }
        shares = next;
    }
    let mut likelihood = 0.0;
    let within = shares.iter().take_while(|&&share| {
        likelihood += share;
        likelihood <= 0.025
    });
    within.count().checked_sub(1)
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

    #[test]
    fn the_ranks_outside_are_those_of_the_published_tables() {
        // Critical values of the two-sided test at 0.05.
        for (pairs, critical) in [(6, 0), (7, 2), (8, 3), (9, 5), (10, 8), (12, 13), (15, 25), (20, 52)] {
            assert_eq!(ranks_outside(pairs), Some(critical), "{pairs}");
        }
        assert_eq!(ranks_outside(5), None);
        assert_eq!(ranks_outside(0), None);
    }

    #[test]
    fn an_interval_holds_what_chance_moves_both_ways() {
        let interval = Interval::of([-2.0, -1.0, 0.5, 1.0, 1.5, 3.0, 4.0]).unwrap();
        assert!(interval.low < 0.0 && interval.high > 0.0, "{interval:?}");
        assert_eq!(interval.estimate, 1.0);
        let one_sided = Interval::of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(one_sided, Interval { estimate: 3.5, low: 1.0, high: 6.0 });
        assert_eq!(Interval::of([1.0; 5]), None);
    }
}
