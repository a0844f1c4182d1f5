//! The rows held against a subject, in every way of delivering them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::delivery::{Script, Subject, Then, ways};
use super::dice::Dice;
use super::row::Row;
use super::verdict::complaints;

/// Rows that are held against their subjects at once. They wait for sockets more than they compute.
const AT_ONCE: usize = 8;

/// Delivers every row in every way that ends as one of `thens`; each of some threads has a subject of its own from
/// `subject`. The splits follow from `seed` and the row, so that one row alone is split as it is among all.
///
/// # Panics
/// With every row that fails, and each way in which it does.
pub fn check<S: Subject>(rows: &[Row], thens: &[Then], seed: u64, subject: impl Fn() -> S + Sync) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let mut subject = subject();
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = failures(row, thens, seed, &mut subject);
                    if !report.is_empty() {
                        failed.lock().expect("nobody panics with it").push(format!("{}\n{report}", title(row)));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("nobody panics with it");
    failed.sort();
    assert!(failed.is_empty(), "{} of {} rows fail:\n\n{}", failed.len(), rows.len(), failed.join("\n"));
}

fn title(row: &Row) -> String {
    let (document, section, title) = row.clause;
    let note = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
    format!("{}: {} ({document} {section}, {title}{note})", row.place, row.name)
}

/// What is wrong with the row, a line each.
fn failures(row: &Row, thens: &[Then], seed: u64, subject: &mut impl Subject) -> String {
    let mut dice = Dice::of(row.name.bytes().fold(seed, |mixed, byte| mixed.rotate_left(8) ^ u64::from(byte)));
    let script = Script::of(row);
    let probed = script.probed();
    let mut report = String::new();
    for then in thens {
        for way in ways(row, &script, &probed, *then, &mut dice) {
            let outcome = subject.deliver(&way.slices, way.then);
            for complaint in complaints(row, &way, subject, &outcome) {
                report.push_str(&format!("    {}: {complaint}\n", way.name));
            }
        }
    }
    report
}
