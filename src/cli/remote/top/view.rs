//! What is shown of a server: lines, from what it has said before and what it says now.
//!
//! Pure: the same samples are the same lines. What the server does not say is a dash. It does not know what a terminal
//! is but by its room, and knows the figures by the names that `/metrics` promises.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::change::Change;
use super::exposition::{Labels, Page};
use super::figure::{age, bytes, count, percent, quantile, rate, seconds};
use super::sample::Sample;
use super::tables;
use crate::base::clock::UnixMillis;

/// Rows of the tables where there is room for any number.
const ROUTES_MAX: usize = 10;
const COLLECTIONS_MAX: usize = 5;

/// Characters of what stands before the figures of a line.
const LEAD: usize = 9;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Characters of a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub struct View<'s> {
    /// Where the server is.
    pub url: &'s str,
    /// What it said before that, if it did.
    pub before: Option<&'s Sample>,
    /// What it has said last.
    pub now: &'s Sample,
    /// Why it says nothing any more.
    pub fault: Option<&'s str>,
}

/// The lines that show `view` in this `room`; without one, as long and as many as it takes.
pub fn lines(view: &View<'_>, room: Option<Room>) -> Vec<String> {
    let View { url, now, fault, .. } = *view;
    let change = Change::between(view.before, now);
    let mut lines = vec![head(url, now, change.is_restart)];
    lines.extend(fault.map(|fault| format!("NO ANSWER  {fault}")));
    lines.extend([
        requests(&change),
        process(&now.page, &change),
        memory(&now.page, &change),
        documents(now, &change),
        journal(now, &change),
        snapshot(now),
        changes(&now.page, &change),
    ]);
    let collections = tables::collections(now, COLLECTIONS_MAX);
    let others = lines.len() + collections.len() + tables::ABOVE;
    let routes_max = room.map_or(ROUTES_MAX, |room| room.rows.saturating_sub(others));
    lines.extend(tables::routes(&change, &now.page, routes_max));
    lines.extend(collections);
    if let Some(Room { columns, rows }) = room {
        lines.truncate(rows);
        lines.iter_mut().for_each(|line| *line = line.chars().take(columns).collect());
    }
    lines
}

/// The line that stands where a server has said nothing, at this moment.
pub fn lost(url: &str, at: UnixMillis, fault: &str) -> String {
    format!("{}  {url}  NO ANSWER  {fault}", moment(at))
}

fn head(url: &str, now: &Sample, is_restart: bool) -> String {
    let build = now.page.family("memory_tools_build_info").and_then(|family| family.keys().next());
    let version = build.and_then(|labels| labels.get("version")).unwrap_or("-");
    let restart = if is_restart { "  RESTARTED" } else { "" };
    format!("{}  {url}  version {version}  up {}{restart}", moment(now.at), age(now.uptime))
}

/// The moment to the second, in UTC.
fn moment(at: UnixMillis) -> String {
    let seconds = i64::try_from(at.0 / 1000).ok();
    let date = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| format!("{} ms", at.0))
}

/// `lead`, and figures behind it, each with its name.
fn line(lead: &str, figures: &[(&str, String)]) -> String {
    let mut line = format!("{lead:LEAD$}");
    for (name, figure) in figures {
        line.push_str("  ");
        line.push_str(name);
        if !name.is_empty() {
            line.push(' ');
        }
        line.push_str(figure);
    }
    line
}

fn requests(change: &Change<'_>) -> String {
    let rate_of = |wanted: &dyn Fn(&Labels) -> bool| rate(change.rate(tables::REQUESTS, wanted));
    let durations = change.durations(tables::DURATIONS, |_| true);
    line(
        "requests",
        &[
            ("", rate_of(&|_| true) + "/s"),
            ("p50", quantile(durations.quantile(0.5))),
            ("p99", quantile(durations.quantile(0.99))),
            ("4xx", rate_of(&|labels| tables::is_status(labels, '4')) + "/s"),
            ("5xx", rate_of(&|labels| tables::is_status(labels, '5')) + "/s"),
        ],
    )
}

fn process(page: &Page, change: &Change<'_>) -> String {
    line(
        "process",
        &[
            ("cpu", percent(change.rate("process_cpu_seconds_total", |_| true))),
            ("connections", count(page.value("memory_tools_connections"))),
            ("descriptors", count(page.value("process_open_fds"))),
        ],
    )
}

fn memory(page: &Page, change: &Change<'_>) -> String {
    line(
        "memory",
        &[
            ("resident", bytes(page.value("process_resident_memory_bytes"))),
            ("used", bytes(page.value("memory_tools_memory_used_bytes"))),
            ("limit", bytes(page.value("memory_tools_memory_limit_bytes"))),
            ("evicted", rate(change.rate("memory_tools_evicted_total", |_| true)) + "/s"),
        ],
    )
}

fn documents(now: &Sample, change: &Change<'_>) -> String {
    let collections = now.collections.map(|collections| collections as f64);
    line(
        "documents",
        &[
            ("", count(now.page.value("memory_tools_documents"))),
            ("", bytes(now.page.value("memory_tools_document_bytes"))),
            ("collections", count(collections)),
            ("expired", rate(change.rate("memory_tools_expired_total", |_| true)) + "/s"),
        ],
    )
}

fn journal(now: &Sample, change: &Change<'_>) -> String {
    let page = &now.page;
    let states = page.family("memory_tools_journal_state").into_iter().flatten();
    let state = states.filter(|(_, holds)| **holds > 0.0).find_map(|(labels, _)| labels.get("state")).unwrap_or("-");
    let mode = now.journal_mode.as_deref().filter(|mode| *mode != state);
    let state = mode.map_or_else(|| state.to_owned(), |mode| format!("{mode}, {state}"));
    let per_second = bytes(change.rate("memory_tools_journal_bytes_total", |_| true)) + "/s";
    let fsync = change.durations("memory_tools_journal_fsync_seconds", |_| true).quantile(0.99);
    let lsn = |which: &str| page.value(&format!("memory_tools_journal_{which}_lsn"));
    let lag = lsn("last").zip(lsn("durable")).map(|(last, durable)| (last - durable).max(0.0));
    line(
        "journal",
        &[
            ("", state),
            ("", per_second),
            ("fsync p99", quantile(fsync)),
            ("lag", count(lag)),
            ("errors", count(page.value("memory_tools_journal_errors_total"))),
        ],
    )
}

fn snapshot(now: &Sample) -> String {
    let published = now.page.value("memory_tools_snapshot_last_success_timestamp_seconds");
    let since = |seconds: f64| Duration::try_from_secs_f64(now.at.0 as f64 / 1000.0 - seconds).unwrap_or_default();
    line(
        "snapshot",
        &[
            ("age", age(now.snapshot_age.or(published.map(since)))),
            ("took", seconds(now.page.value("memory_tools_snapshot_duration_seconds"))),
            ("errors", count(now.page.value("memory_tools_snapshot_errors_total"))),
        ],
    )
}

fn changes(page: &Page, change: &Change<'_>) -> String {
    line(
        "changes",
        &[
            ("readers", count(page.value("memory_tools_changes_connections"))),
            ("lost", rate(change.rate("memory_tools_changes_lost_total", |_| true)) + "/s"),
            ("kept", count(page.value("memory_tools_changes_entries"))),
        ],
    )
}

#[cfg(test)]
mod tests;
