//! The corpus of raw requests over everything that reads requests; the rows and what they mean are in `corpus/`.

#[path = "corpus/mod.rs"]
mod corpus;

use std::collections::BTreeSet;
use std::time::Duration;

use corpus::check::check;
use corpus::delivery::Then;
use corpus::reference::Reference;
use corpus::row::{Fate, Row};
use corpus::{clauses, dice, pool, reactor, rows};

/// Rows that there must be.
const ROWS_MIN: usize = 250;

const EVERY_END: &[Then] = &[Then::Reads, Then::HalfCloses, Then::FallsSilent];

#[test]
fn the_corpus_is_large_its_names_are_unique_and_its_clauses_are_used() {
    let rows = rows();
    assert!(rows.len() >= ROWS_MIN, "{} rows", rows.len());
    let mut names = BTreeSet::new();
    for row in &rows {
        assert!(names.insert(&row.name), "{}: {:?} is there twice", row.place, row.name);
    }
    let named: BTreeSet<_> = rows.iter().map(|row| row.clause).collect();
    let unused: Vec<_> = clauses::CLAUSES.iter().filter(|clause| !named.contains(clause)).collect();
    assert!(unused.is_empty(), "clauses that no row names: {unused:?}");
}

#[test]
fn an_obvious_reading_of_the_rfcs_gives_every_verdict() {
    check(&rows(), EVERY_END, dice::seed("corpus"), || Reference);
}

/// Silence is left out: the library has one timeout for everything, and answers an idle connection's end.
#[test]
fn the_pool_gives_every_verdict_that_its_library_leaves_to_it() {
    check(&pool::rows(&rows()), &[Then::Reads, Then::HalfCloses], dice::seed("corpus"), pool::subject);
}

#[test]
fn the_reactor_gives_every_verdict() {
    let seed = dice::seed("corpus");
    check(&rows(), &[Then::Reads, Then::HalfCloses], seed, || reactor::subject(Duration::from_secs(20)));
    check(&rows(), &[Then::FallsSilent], seed, || reactor::subject(Duration::from_millis(100)));
}

/// What a front remembers of a head that it has read must not show.
#[test]
fn the_reactor_gives_the_same_verdict_to_a_row_behind_itself() {
    let twice: Vec<Row> = rows()
        .into_iter()
        .filter(|row| row.fate == Fate::Kept)
        .map(|row| Row { turns: [&row.turns[..]; 2].concat(), name: format!("{}, twice", row.name), ..row })
        .collect();
    assert!(twice.len() > ROWS_MIN / 4, "{} rows", twice.len());
    let seed = dice::seed("corpus");
    check(&twice, &[Then::Reads, Then::HalfCloses], seed, || reactor::subject(Duration::from_secs(20)));
}
