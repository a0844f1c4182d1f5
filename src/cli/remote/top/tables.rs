//! The routes that were asked for most, and the collections with the most documents, a row each.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::change::Change;
use super::exposition::{Labels, Page};
use super::figure::{bytes, count, name, quantile, rate};
use super::sample::{Collection, Sample};

/// What counts requests, and what says how long they took.
pub const REQUESTS: &str = "memory_tools_requests_total";
pub const DURATIONS: &str = "memory_tools_request_duration_seconds";

/// Lines above the rows of a table: an empty one, and the names of the columns.
pub const ABOVE: usize = 2;

/// Whether what has these labels is about answers whose status begins with `class`.
pub fn is_status(labels: &Labels, class: char) -> bool {
    labels.get("status").is_some_and(|status| status.starts_with(class))
}

/// A table of the `at_most` routes with the most requests since the sample before; those with none are left out. With a
/// route stand its methods, the busiest first: durations are counted by route alone.
pub fn routes(change: &Change<'_>, page: &Page, at_most: usize) -> Vec<String> {
    let mut methods: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for labels in page.family(REQUESTS).into_iter().flat_map(BTreeMap::keys) {
        let (Some(route), Some(method)) = (labels.get("route"), labels.get("method")) else { continue };
        let of_route = methods.entry(route).or_default();
        of_route.entry(method).or_insert_with(|| {
            let is_its = |labels: &Labels| is_of(labels, route) && labels.get("method") == Some(method);
            change.rate(REQUESTS, is_its).unwrap_or_default()
        });
    }
    let mut busiest: Vec<_> = methods.into_iter().map(|(route, of)| (route, of.values().sum::<f64>(), of)).collect();
    busiest.retain(|(_, requests, _)| *requests > 0.0);
    busiest.sort_by(|(_, one, _), (_, other, _)| other.total_cmp(one));
    busiest.truncate(at_most);
    let row = |(route, requests, methods): (&str, f64, BTreeMap<&str, f64>)| {
        let failed = |class| change.rate(REQUESTS, |labels| is_of(labels, route) && is_status(labels, class));
        let durations = change.durations(DURATIONS, |labels| is_of(labels, route));
        format!(
            "{:>10}  {:>9}  {:>9}  {:>8}  {:>8}  {}  {}",
            rate(Some(requests)),
            quantile(durations.quantile(0.5)),
            quantile(durations.quantile(0.99)),
            rate(failed('4')),
            rate(failed('5')),
            name(route),
            name(&busiest_first(methods).join(" "))
        )
    };
    let columns = format!("{:>10}  {:>9}  {:>9}  {:>8}  {:>8}  route", "requests/s", "p50", "p99", "4xx/s", "5xx/s");
    table(columns, busiest.into_iter().map(row))
}

/// The methods that were used.
fn busiest_first(rates: BTreeMap<&str, f64>) -> Vec<&str> {
    let mut used: Vec<_> = rates.into_iter().filter(|(_, rate)| *rate > 0.0).collect();
    used.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    used.into_iter().map(|(method, _)| method).collect()
}

fn is_of(labels: &Labels, route: &str) -> bool {
    labels.get("route") == Some(route)
}

/// A table of the `at_most` collections with the most documents; those without any are left out.
pub fn collections(now: &Sample, at_most: usize) -> Vec<String> {
    let Some(listed) = &now.listed else { return Vec::new() };
    let mut largest: Vec<_> = listed.collections.iter().filter(|collection| collection.documents > 0).collect();
    largest.sort_by_key(|collection| Reverse((collection.documents, collection.bytes)));
    largest.truncate(at_most);
    let row = |collection: &Collection| {
        let (documents, size) = (collection.documents as f64, collection.bytes as f64);
        format!("{:>12}  {:>12}  {}", count(Some(documents)), bytes(Some(size)), name(&collection.name))
    };
    let among = if listed.has_more { format!(" (of the first {})", listed.collections.len()) } else { String::new() };
    let columns = format!("{:>12}  {:>12}  collection{among}", "documents", "bytes");
    table(columns, largest.into_iter().map(row))
}

/// `rows` below the names of their `columns`; nothing when there are none.
fn table(columns: String, rows: impl Iterator<Item = String>) -> Vec<String> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Vec::new();
    }
    [String::new(), columns].into_iter().chain(rows).collect()
}
