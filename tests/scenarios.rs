//! Scenarios over every way into the server; the facts are in `scenarios/`.

mod support;

#[path = "scenarios/backup.rs"]
mod backup;
#[path = "scenarios/bulk.rs"]
mod bulk;
#[path = "scenarios/changes.rs"]
mod changes;
#[path = "scenarios/collections.rs"]
mod collections;
#[path = "scenarios/conditions.rs"]
mod conditions;
#[path = "scenarios/cors.rs"]
mod cors;
#[path = "scenarios/deadlines.rs"]
mod deadlines;
#[path = "scenarios/documents.rs"]
mod documents;
#[path = "scenarios/expiry.rs"]
mod expiry;
#[path = "scenarios/keys.rs"]
mod keys;
#[path = "scenarios/listing.rs"]
mod listing;
#[path = "scenarios/many.rs"]
mod many;
#[path = "scenarios/memory.rs"]
mod memory;
#[path = "scenarios/patching.rs"]
mod patching;
#[path = "scenarios/pointers.rs"]
mod pointers;
#[path = "scenarios/preferences.rs"]
mod preferences;
#[path = "scenarios/restart.rs"]
mod restart;
#[path = "scenarios/seed.rs"]
mod seed;
#[path = "scenarios/system.rs"]
mod system;
#[path = "scenarios/transfer.rs"]
mod transfer;
#[path = "scenarios/ui.rs"]
mod ui;

use support::door::{every_door, every_door_with};
use support::scenario::{Scenario, run};

/// Runs each scenario over each door, each on a fresh server.
fn over_every_door(scenarios: &[Scenario]) {
    for scenario in scenarios {
        for mut door in every_door() {
            run(scenario, door.as_mut());
        }
    }
}

/// Runs a scenario over each door, each to a fresh server with `flags`.
fn over_every_door_with(flags: &[(&str, &str)], scenario: &Scenario) {
    for mut door in every_door_with(flags) {
        run(scenario, door.as_mut());
    }
}
