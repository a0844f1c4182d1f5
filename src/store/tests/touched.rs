//! Counts how many times this thread has reached for a slot of a slab: a measure of cost that no machine changes.

use std::cell::Cell;

thread_local! {
    static TOUCHED: Cell<usize> = const { Cell::new(0) };
}

pub(in crate::store) fn count() {
    TOUCHED.set(TOUCHED.get() + 1);
}

pub(in crate::store) fn reset() {
    TOUCHED.set(0);
}

pub(in crate::store) fn total() -> usize {
    TOUCHED.get()
}
