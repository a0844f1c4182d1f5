//! kill -9 of the real binary at random moments, under many concurrent writers and snapshots: what opens is what a
//! prefix of each writer's writes left, with everything that the mode of the journal has promised.
//!
//! `support::ledger` keeps outside of the process what was asked and answered. Without a journal a write survives when
//! a snapshot that began after it was finished; with one, when it was acknowledged. No number is issued twice.
//! `ROUNDS=200 cargo test --test process_journal` kills more often.

mod support;

use support::dice::{self, Dice};
use support::http::Client;
use support::ledger::{Ledger, Promise};
use support::process::{FRONTS, Ground, until};

/// What `--journal` takes, and what is promised then.
const MODES: &[(&str, Promise)] = &[("off", Promise::Snapshot)];

/// Kills in each mode, unless ROUNDS says otherwise.
const ROUNDS: usize = 25;

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
    let mut snapshots = 0;
    for round in 0..rounds {
        let server = ground.start(&["--journal", mode, "--shards", "16", "--front", FRONTS[round % FRONTS.len()]]);
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
    let server = ground.start(&["--journal", mode]);
    ledger.check(&server);
    server.stop();
    ledger.stopped_cleanly();
    ledger.check(&ground.start(&["--journal", mode]));
}
