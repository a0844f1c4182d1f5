//! What an idle keep-alive connection takes of a server's memory, when it has been asked once and waits for more.
//!
//! A fresh server, warm but without a connection, is weighed before and after; what a hundred thousand documents and
//! rounds of load have left in its allocator plays no part. The kernel's own memory of a socket is not in it.

use std::time::Duration;

use anyhow::Result;

use crate::connection::{Session, Tally};
use crate::fleet::Fleet;
use crate::keys::Keys;
use crate::loading;
use crate::options::Options;
use crate::pace::Pace;
use crate::peers::case::Verb;
use crate::peers::contestant::Contestant;
use crate::proc;
use crate::progress::Progress;
use crate::template::Template;

/// Documents of the server that is weighed, and requests that warm it up.
const KEYS: u32 = 10_000;

/// Connections opened before the first of them asks: fewer than any server's backlog.
const AT_ONCE: u32 = 250;

/// From the last answer to a weighing: what a server gives back, it gives back soon.
const SETTLING: Duration = Duration::from_secs(1);

/// Resident bytes a connection, of `--idle` connections to a fresh server like `contestant`.
///
/// # Errors
/// The server cannot be started, gave a wrong answer, or closed a connection.
pub fn bytes_each(contestant: &Contestant, options: &Options, document: &Template, progress: &Progress) -> Result<f64> {
    let fresh = contestant.another()?;
    fresh.fill(document, KEYS, progress)?;
    let workload = fresh.workload(Verb::Get, document);
    let ask = |fleet: &mut Fleet, keys: u32, depth: usize| {
        let keys = Keys::once(0..keys);
        let session = Session { workload: &workload, keys, pace: Pace::Window(depth), tally: Tally::new() };
        fresh.server.explain(fleet.exhaust(session, |_| {}).map(drop))
    };
    let open = |count: usize| fresh.server.explain(Fleet::open(fresh.server.address, count));
    ask(&mut open(loading::CONNECTIONS)?, KEYS, loading::DEPTH)?;

    std::thread::sleep(SETTLING);
    let before = proc::resident(&fresh.pids)?;
    let mut fleets = Vec::new();
    for count in portions(options.idle) {
        let mut fleet = open(count as usize)?;
        // As many keys as connections, each of which takes one before any gets its answer.
        ask(&mut fleet, count, 1)?;
        fleets.push((count, fleet));
    }
    std::thread::sleep(SETTLING);
    let after = proc::resident(&fresh.pids)?;
    // Only connections that still answer have been weighed.
    fleets.iter_mut().try_for_each(|(count, fleet)| ask(fleet, *count, 1))?;
    Ok(after.now.saturating_sub(before.now) as f64 / options.idle as f64)
}

/// `count` in portions of at most `AT_ONCE`.
fn portions(count: usize) -> impl Iterator<Item = u32> {
    let mut rest = count;
    std::iter::from_fn(move || {
        let portion = u32::try_from(rest).unwrap_or(AT_ONCE).min(AT_ONCE);
        rest -= portion as usize;
        (portion > 0).then_some(portion)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_add_up() {
        assert_eq!(portions(600).collect::<Vec<_>>(), [250, 250, 100]);
        assert_eq!(portions(250).collect::<Vec<_>>(), [250]);
        assert_eq!(portions(0).count(), 0);
    }
}
