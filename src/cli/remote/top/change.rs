//! What has happened between two pages of figures: how often in a second, and how long it took.
//!
//! Invariant: a counter that has fallen means that the server was started anew. Then everything that it has counted is
//! new, of all counters alike: taken one by one, those that have already grown past what they were would be told wrong.

use std::time::Duration;

use super::exposition::{Labels, Page};
use super::sample::Sample;

/// The end of the names of what only grows.
const COUNTING: [&str; 4] = ["_total", "_bucket", "_sum", "_count"];

/// From one sample to the next.
#[derive(Clone, Copy, Debug)]
pub struct Change<'s> {
    /// `None` when there is nothing to compare with.
    before: Option<&'s Page>,
    now: &'s Page,
    seconds: Option<f64>,
    /// Whether the server was started in between.
    pub is_restart: bool,
}

impl<'s> Change<'s> {
    /// From `before`, if there is one, to `now`.
    pub fn between(before: Option<&'s Sample>, now: &'s Sample) -> Change<'s> {
        let Some(earlier) = before else {
            return Change { before: None, now: &now.page, seconds: None, is_restart: false };
        };
        let is_younger = earlier.uptime.zip(now.uptime).is_some_and(|(before, now)| now < before);
        let is_restart = is_younger || is_another(&earlier.page, &now.page) || has_fallen(&earlier.page, &now.page);
        let elapsed = now.taken.saturating_duration_since(earlier.taken);
        // A server that was started meanwhile has counted no longer than it is up.
        let counted = if is_restart { now.uptime.map_or(elapsed, |uptime| uptime.min(elapsed)) } else { elapsed };
        let before = (!is_restart).then_some(&earlier.page);
        let seconds = Some(counted).filter(|counted| *counted > Duration::ZERO).map(|counted| counted.as_secs_f64());
        Change { before, now: &now.page, seconds, is_restart }
    }

    /// How much the counter `name` has grown in a second, over those of its series that are `wanted`; `None` when nobody
    /// knows yet, or the server does not count it.
    pub fn rate(&self, name: &str, wanted: impl Fn(&Labels) -> bool) -> Option<f64> {
        let seconds = self.seconds?;
        let family = self.now.family(name)?.iter().filter(|(labels, _)| wanted(labels));
        // The sum of nothing is -0.
        Some((0.0 + family.map(|(labels, value)| self.growth(name, labels, *value)).sum::<f64>()) / seconds)
    }

    /// What the histogram `name` has counted, over those of its series that are `wanted`.
    pub fn durations(&self, name: &str, wanted: impl Fn(&Labels) -> bool) -> Durations {
        let name = format!("{name}_bucket");
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        let series = self.now.family(&name).filter(|_| self.seconds.is_some()).into_iter().flatten();
        for (labels, value) in series.filter(|(labels, _)| wanted(labels)) {
            let Some(bound) = labels.get("le").and_then(|bound| bound.parse::<f64>().ok()) else { continue };
            let growth = self.growth(&name, labels, *value);
            match buckets.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, count)) => *count += growth,
                None => buckets.push((bound, growth)),
            }
        }
        buckets.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
        Durations { buckets }
    }

    fn growth(&self, name: &str, labels: &Labels, now: f64) -> f64 {
        let before = self.before.and_then(|page| page.family(name)?.get(labels)).copied();
        now - before.unwrap_or(0.0)
    }
}

/// Whether they are pages of two processes, as far as they say.
fn is_another(before: &Page, now: &Page) -> bool {
    let started = |page: &Page| page.value("process_start_time_seconds");
    started(before).zip(started(now)).is_some_and(|(before, now)| before.total_cmp(&now).is_ne())
}

/// Whether a counter stands lower than it stood.
fn has_fallen(before: &Page, now: &Page) -> bool {
    let counting = before.families().filter(|(name, _)| COUNTING.iter().any(|end| name.ends_with(end)));
    let mut fallen = counting.filter_map(|(name, family)| Some((family, now.family(name)?)));
    fallen.any(|(before, now)| before.iter().any(|(labels, value)| now.get(labels).is_some_and(|now| now < value)))
}

/// How often it took how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Durations {
    /// Bounds in seconds, ascending, each with how often it took at most that.
    buckets: Vec<(f64, f64)>,
}

/// A duration as a histogram knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantile {
    /// So many seconds, if those of a bucket are spread evenly.
    About(f64),
    /// More than so many seconds, the last bound.
    Above(f64),
}

impl Durations {
    /// The duration that `part` of them, from 0 to 1, do not exceed; `None` when there are none.
    ///
    /// As the function `histogram_quantile` of Prometheus has it: within a bucket on the straight line between its
    /// bounds.
    pub fn quantile(&self, part: f64) -> Option<Quantile> {
        let (_, total) = self.buckets.last().filter(|(_, total)| *total > 0.0)?;
        let rank = part * total;
        let (mut lower, mut below) = (0.0, 0.0);
        for (bound, count) in &self.buckets {
            if *count >= rank && *count > below {
                if bound.is_infinite() {
                    break;
                }
                return Some(Quantile::About(lower + (bound - lower) * (rank - below) / (count - below)));
            }
            if bound.is_finite() {
                (lower, below) = (*bound, *count);
            }
        }
        Some(Quantile::Above(lower))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::figure::quantile;
    use super::*;
    use crate::base::clock::UnixMillis;

    fn sample(text: &str, taken: Instant, uptime_ms: Option<u64>) -> Sample {
        let page = Page::read(text.as_bytes()).unwrap();
        let uptime = uptime_ms.map(Duration::from_millis);
        Sample { page, uptime, ..Sample::empty(taken, UnixMillis(0)) }
    }

    /// From the first page to the second within two seconds; with it how long the server is up in each.
    fn check(pages: [(&str, Option<u64>); 2], look: impl FnOnce(Change<'_>)) {
        let [(before, up_before), (now, up_now)] = pages;
        let start = Instant::now();
        let before = sample(before, start, up_before);
        let now = sample(now, start + Duration::from_secs(2), up_now);
        look(Change::between(Some(&before), &now));
    }

    fn all(_: &Labels) -> bool {
        true
    }

    #[test]
    fn a_rate_is_what_was_added_by_the_seconds_that_it_took() {
        let before = "a_total{of=\"x\"} 10\na_total{of=\"y\"} 4\n";
        let now = "a_total{of=\"x\"} 16\na_total{of=\"y\"} 4\na_total{of=\"new\"} 1\n# TYPE b_total counter\n";
        check([(before, None), (now, None)], |change| {
            assert_eq!(change.rate("a_total", all), Some(3.5));
            assert_eq!(change.rate("a_total", |labels| labels.get("of") == Some("x")), Some(3.0));
            assert_eq!((change.rate("b_total", all), change.rate("c_total", all)), (Some(0.0), None));
            assert!(!change.is_restart);
        });
        let alone = sample(now, Instant::now(), None);
        let change = Change::between(None, &alone);
        assert_eq!((change.rate("a_total", all), change.is_restart), (None, false));
        let again = Change::between(Some(&alone), &alone);
        assert_eq!(again.rate("a_total", all), None, "no time has passed");
    }

    #[test]
    fn behind_a_restart_everything_is_new_whichever_counter_has_told() {
        let before = "a_total 10\nb_total 3\n";
        let now = "a_total 8\nb_total 4\n";
        // Up for one of the two seconds.
        check([(before, Some(70_000)), (now, Some(1_000))], |change| {
            assert_eq!((change.rate("a_total", all), change.rate("b_total", all)), (Some(8.0), Some(4.0)));
            assert!(change.is_restart);
        });
        check([(before, None), (now, None)], |change| {
            assert_eq!((change.rate("a_total", all), change.rate("b_total", all)), (Some(4.0), Some(2.0)));
        });
        // All of them are past what they were, and only the time tells.
        check([("a_total 1\n", Some(9_000)), ("a_total 8\n", Some(8_000))], |change| {
            assert!(change.is_restart);
            assert_eq!(change.rate("a_total", all), Some(4.0));
        });
        let started = |at: &str| format!("a_total 4\nprocess_start_time_seconds {at}\n");
        for (later, is_restart) in [("1000.25", false), ("1001", true)] {
            check([(&started("1000.25"), None), (&started(later), None)], |change| {
                assert_eq!(
                    (change.is_restart, change.rate("a_total", all)),
                    (is_restart, Some(if is_restart { 2.0 } else { 0.0 }))
                );
            });
        }
        check([("a 5\na_total 1\n", None), ("a 2\na_total 1\n", None)], |change| {
            assert!(!change.is_restart, "a gauge may fall");
        });
    }

    #[test]
    fn a_quantile_lies_on_the_line_between_the_bounds_of_its_bucket() {
        let page = |counts: [u32; 3]| {
            let [one, two, all] = counts;
            ["x", "y"]
                .map(|of| {
                    format!(
                        "d_bucket{{of=\"{of}\",le=\"0.1\"}} {one}\nd_bucket{{of=\"{of}\",le=\"0.5\"}} {two}\n\
                     d_bucket{{of=\"{of}\",le=\"+Inf\"}} {all}\n"
                    )
                })
                .concat()
        };
        let quantiles = |before, now| {
            let (before, now) = (page(before), page(now));
            let mut found = [const { String::new() }; 3];
            check([(before.as_str(), None), (now.as_str(), None)], |change| {
                let durations = change.durations("d", |labels| labels.get("of") == Some("x"));
                assert_eq!(durations.quantile(0.5), change.durations("d", all).quantile(0.5), "of both alike");
                found = [0.25, 0.5, 0.99].map(|part| quantile(durations.quantile(part)));
            });
            found
        };
        // Half of a hundred up to 0.1, the others up to 0.5.
        assert_eq!(quantiles([7, 7, 7], [57, 107, 107]), ["50.0ms", "100ms", "492ms"]);
        assert_eq!(quantiles([0, 0, 0], [0, 4, 4]), ["200ms", "300ms", "496ms"]);
        assert_eq!(quantiles([0, 0, 0], [1, 2, 4]), ["100ms", "500ms", ">500ms"]);
        assert_eq!(quantiles([5, 5, 5], [5, 5, 5]), ["-"; 3]);
        assert_eq!(Durations { buckets: Vec::new() }.quantile(0.5), None);
    }
}
