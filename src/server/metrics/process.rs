//! The families about the process, under the names that all who watch processes know.

use crate::base::{clock, proc};

use super::{Row, counter, gauge};

/// In the order of the page.
pub(super) const FAMILIES: &[Row] = &[
    counter(
        "process_cpu_seconds_total",
        "CPU time of this process, the system's on its behalf included.",
        |_, samples| {
            samples.real(clock::process_cpu().as_secs_f64());
        },
    ),
    gauge("process_start_time_seconds", "When the server began to start, in unix time.", |at, samples| {
        samples.real(at.started_at_seconds);
    }),
    gauge("process_resident_memory_bytes", "Bytes of this process that are in memory.", |_, samples| {
        proc::resident_bytes().into_iter().for_each(|bytes| samples.whole(bytes));
    }),
    gauge("process_open_fds", "File descriptors that this process has open.", |_, samples| {
        proc::open_descriptors().into_iter().for_each(|count| samples.whole(count));
    }),
];
