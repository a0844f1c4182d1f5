//! What one thread has counted.
//!
//! Invariant: one thread writes, and its counts lie on lines of memory of their own. A route costs its three kilobytes
//! when its first request ends, so a thread of the pool that has served two of them has paid for two.

use std::sync::OnceLock;
use std::time::Duration;

use crate::api::RouteNumber;
use crate::api::message::Method;
use crate::base::metrics::{Distribution, Tallies, Tally};

use super::status::{self, PLACES};
use super::{Counted, Ended, Origin};

/// By which durations requests are told apart. Most take less than the first three; the last is what somebody waits for
/// before he gives up.
pub const BOUNDS: &[Duration; 19] = &[
    Duration::from_micros(10),
    Duration::from_micros(25),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// Every method, each at the place of its number.
const METHODS: [Method; 9] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Options,
    Method::Trace,
    Method::Other,
];

/// One thread's counts.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Lane {
    routes: [OnceLock<Box<OfRoute>>; RouteNumber::COUNT],
    pub(super) received: Tally,
    pub(super) sent: Tally,
}

/// Of one route.
#[derive(Debug)]
#[repr(align(128))]
struct OfRoute {
    durations: Tallies<{ BOUNDS.len() }>,
    /// By method and place of the status.
    requests: [[Tally; PLACES]; METHODS.len()],
}

impl Default for Lane {
    fn default() -> Lane {
        let routes = std::array::from_fn(|_| OnceLock::new());
        Lane { routes, received: Tally::default(), sent: Tally::default() }
    }
}

impl OfRoute {
    fn new() -> Box<OfRoute> {
        let row = |_| std::array::from_fn(|_| Tally::default());
        Box::new(OfRoute { durations: Tallies::new(BOUNDS), requests: std::array::from_fn(row) })
    }
}

impl Lane {
    /// Counts a request that has ended.
    #[inline]
    pub(super) fn count(&self, origin: Origin, ended: Ended, took: Duration) {
        let Some(route) = self.routes.get(origin.route.index()) else { return };
        let route = route.get_or_init(OfRoute::new);
        let of_method = route.requests.get(origin.method as usize);
        if let Some(count) = of_method.and_then(|places| places.get(status::place(ended))) {
            count.add(1);
        }
        route.durations.observe(took);
    }

    /// Adds what was counted here to `counted`.
    pub(super) fn add_to(&self, counted: &mut Counted) {
        counted.received += self.received.get();
        counted.sent += self.sent.get();
        for number in RouteNumber::all() {
            let Some(route) = self.routes.get(number.index()).and_then(OnceLock::get) else { continue };
            let durations = counted.durations.entry(number).or_insert_with(|| Distribution::empty(BOUNDS));
            durations.add(&route.durations.read());
            for (method, places) in METHODS.iter().zip(&route.requests) {
                // Of a head that nobody has understood there is no method.
                let method = if number == RouteNumber::NONE { "none" } else { method.name() };
                for (place, count) in places.iter().enumerate().filter(|(_, count)| count.get() > 0) {
                    *counted.requests.entry((number, method, status::label(place))).or_default() += count.get();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_methods_place_is_its_number() {
        for (place, method) in METHODS.iter().enumerate() {
            assert_eq!(*method as usize, place);
        }
    }

    #[test]
    fn the_bounds_ascend_and_are_round_figures_of_seconds() {
        assert!(BOUNDS.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(BOUNDS.last(), Some(&Duration::from_secs(10)));
    }
}
