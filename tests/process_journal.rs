//! kill -9 of the real binary at random moments, under many concurrent writers and snapshots: what opens is what a
//! prefix of each writer's writes left, with everything that the mode of the journal has promised.
//!
//! `support::ledger` keeps outside of the process what was asked and answered. Without a journal a write survives when
//! a snapshot that began after it was finished; with one, when it was acknowledged. No number is issued twice.
//! `ROUNDS=200 cargo test --test process_journal` kills more often.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};

use support::dice::{self, Dice};
use support::http::Client;
use support::ledger::{Ledger, Promise};
use support::process::{FRONTS, Ground, until};

/// What `--journal` takes, and what is promised then.
const MODES: &[(&str, Promise)] = &[
    ("off", Promise::Snapshot),
    ("os", Promise::Acknowledged),
    ("everysec", Promise::Acknowledged),
    ("always", Promise::Acknowledged),
];

/// Kills in each mode, unless ROUNDS says otherwise.
const ROUNDS: usize = 12;

const WRITERS: usize = 32;
const KEYS_PER_WRITER: u64 = 6;

/// Acknowledged writes before a kill, at most.
const WRITES_MAX: u64 = 600;

#[test]
fn after_a_kill_each_writer_finds_a_prefix_of_its_writes_and_what_was_promised() {
    let mut dice = Dice::of(dice::seed("process_journal"));
    let rounds = std::env::var("ROUNDS").ok().map_or(ROUNDS, |rounds| rounds.parse().expect("ROUNDS is a number"));
    for (mode, promise) in MODES {
        println!("journal {mode}");
        kill_again_and_again(mode, *promise, rounds.min(200), &mut dice);
    }
}

fn kill_again_and_again(mode: &str, promise: Promise, rounds: usize, dice: &mut Dice) {
    let ground = Ground::new();
    let ledger = Ledger::new(promise, WRITERS, KEYS_PER_WRITER);
    let snapshots = AtomicU64::new(0);
    for round in 0..rounds {
        let server = ground.start(&["--journal", mode, "--shards", "16", "--front", FRONTS[round % FRONTS.len()]]);
        ledger.check(&server);
        let writes = 1 + dice.below(WRITES_MAX);
        let address = server.address;
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (ledger, dice) = (&ledger, dice.split());
                scope.spawn(move || ledger.write_until_gone(writer, address, dice));
            }
            scope.spawn(|| {
                let Ok(mut client) = Client::try_connect(address) else { return };
                while let Ok(is_written) = ledger.snapshot(&mut client) {
                    snapshots.fetch_add(u64::from(is_written), Ordering::SeqCst);
                }
            });
            // Without any snapshot nothing would be proved of them.
            until("the writes of this round, and the first snapshot", || {
                ledger.writes() >= writes && snapshots.load(Ordering::SeqCst) > 0
            });
            let ended = server.kill();
            assert_eq!(ended.signal, Some(9), "{ended:?}");
        });
    }
    println!("{} snapshots were finished", snapshots.into_inner());

    // After a clean stop nothing is missing.
    let server = ground.start(&["--journal", mode]);
    ledger.check(&server);
    server.stop();
    ledger.stopped_cleanly();
    ledger.check(&ground.start(&["--journal", mode]));
}
