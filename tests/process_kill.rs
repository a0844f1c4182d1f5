//! kill -9 at random moments, under concurrent writers and snapshots: what opens is the old or the new snapshot, per
//! key, and no number is issued twice.
//!
//! The journal is off, so a write survives when a snapshot that began after it was finished, and may survive when one
//! was under way; `support::ledger` keeps what was asked and answered.

mod support;

use support::dice::{self, Dice};
use support::http::Client;
use support::ledger::{Ledger, Promise, Recovered};
use support::process::{FRONTS, Ground, until};

const ROUNDS: usize = 25;
const WRITERS: usize = 4;
const KEYS_PER_WRITER: u64 = 12;

/// Acknowledged writes before a kill, at most.
const WRITES_MAX: u64 = 250;

#[test]
fn after_a_kill_each_document_is_as_in_the_old_or_the_new_snapshot() {
    let mut dice = Dice::of(dice::seed("process_kill"));
    let ground = Ground::new();
    let ledger = Ledger::new(Promise::Snapshot, Recovered::EachKey, WRITERS, KEYS_PER_WRITER);
    let mut snapshots = 0;
    for round in 0..ROUNDS {
        let server = ground.start(&["--shards", "16", "--front", FRONTS[round % FRONTS.len()]]);
        ledger.check(&server);
        let writes = 1 + dice.below(WRITES_MAX);
        let address = server.address;
        snapshots += std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (ledger, dice) = (&ledger, dice.split());
                scope.spawn(move || ledger.write_until_gone(writer, address, dice));
            }
            let snapshotter = scope.spawn(|| {
                let Ok(mut client) = Client::try_connect(address) else { return 0 };
                let snapshots = std::iter::from_fn(|| ledger.snapshot(&mut client).ok());
                snapshots.inspect(|is_written| assert!(is_written, "a snapshot failed")).count()
            });
            until("the writes of this round", || ledger.writes() >= writes);
            let ended = server.kill();
            assert_eq!(ended.signal, Some(9), "{ended:?}");
            snapshotter.join().expect("the snapshotter's assertions hold")
        });
    }
    println!("{snapshots} snapshots were finished");
    assert!(snapshots > 0, "no snapshot was ever finished: nothing was proved");

    // After a clean stop nothing is missing.
    let server = ground.start(&[]);
    ledger.check(&server);
    server.stop();
    ledger.stopped_cleanly();
    ledger.check(&ground.start(&[]));
}
