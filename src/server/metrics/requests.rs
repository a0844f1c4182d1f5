//! The families about connections and what was asked over them.

use std::sync::atomic::Ordering;

use crate::api::RouteNumber;

use super::{Row, counter, gauge, histogram};

/// In the order of the page.
pub(super) const FAMILIES: &[Row] = &[
    counter(
        "memory_tools_requests_total",
        "Requests that have ended, by method, template of the route (unknown where there is none; none where the head \
         was refused, or the connection) and status (gone where the peer went away before there was a reply).",
        |at, samples| {
            for ((route, method, status), count) in &at.requests.requests {
                samples.about(&[("method", method), ("route", route.label()), ("status", status)], *count);
            }
        },
    ),
    histogram(
        "memory_tools_request_duration_seconds",
        "From when a request's head was there until its reply was whole and ready to be sent, by template of the route.",
        |at, samples| {
            for (route, durations) in at.requests.durations.iter().filter(|(route, _)| **route != RouteNumber::NONE) {
                samples.distribution_about(&[("route", route.label())], durations);
            }
        },
    ),
    counter(
        "memory_tools_received_bytes_total",
        "Bytes of requests that have come, without those of TLS.",
        |at, samples| {
            samples.whole(at.requests.received);
        },
    ),
    counter(
        "memory_tools_sent_bytes_total",
        "Bytes of replies that were sent, without those of TLS.",
        |at, samples| {
            samples.whole(at.requests.sent);
        },
    ),
    gauge("memory_tools_connections", "Connections that are served now.", |at, samples| {
        samples.whole(at.counters.connections_open.load(Ordering::Relaxed) as u64);
    }),
    counter("memory_tools_connections_accepted_total", "Connections that were served.", |at, samples| {
        samples.whole(at.counters.connections_accepted.load(Ordering::Relaxed));
    }),
    counter(
        "memory_tools_connections_refused_total",
        "Connections that were told to come again, or closed, for want of room.",
        |at, samples| samples.whole(at.counters.connections_refused.load(Ordering::Relaxed)),
    ),
    counter(
        "memory_tools_accept_errors_total",
        "Times that the system has failed to give a connection that was waiting.",
        |at, samples| samples.whole(at.counters.accept_errors.load(Ordering::Relaxed)),
    ),
];
