//! Requests in the log: each, where there is an access log, and those that took long.
//!
//! Invariant: no line has a key, a query, a header or a body in it: of a path there is the template of its route and a
//! number that is the same for the same path while the process lives, and says nothing to who does not have it. What a
//! flood of lines may cost is the log's matter.

use std::net::IpAddr;
use std::time::Duration;

use crate::api::RouteNumber;
use crate::base::log::{self, Level, Value};

use super::{Ended, Moment, Origin};

/// Which requests are told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Telling {
    /// Each one, when it has ended.
    pub each: bool,
    /// Those whose reply was not ready to be sent so long after their head was there; none without a number.
    pub slow_after: Option<Duration>,
}

/// A request that has ended, and what is known of its reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) origin: Origin,
    pub(super) ended: Ended,
    pub(super) at: Moment,
    pub(super) reply_bytes: u64,
    pub(super) peer: Option<IpAddr>,
}

impl Telling {
    /// True when a request that took so long may have to be told.
    #[inline]
    pub(super) fn may_tell(&self, took: Duration) -> bool {
        self.each || self.slow_after.is_some_and(|slow| took >= slow)
    }

    /// Tells what is to be told of a request.
    #[cold]
    pub(super) fn tell(&self, done: &Done) {
        let Parts { body, handling, reply } = done.parts();
        let is_stream = done.origin.is_stream;
        // How long a stream lasts is its reader's matter.
        let ready = body + handling + if is_stream { Duration::ZERO } else { reply };
        let slow = self.slow_after.filter(|slow| ready >= *slow);
        if self.each {
            done.say(Level::Info, "request", "request");
        }
        if slow.is_some() {
            done.say(Level::Warn, "slow_request", "a request took long");
        }
    }
}

/// Where the time of a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts {
    /// Waiting for its body.
    body: Duration,
    /// Until there was a reply, waiting for its turn and for room included.
    handling: Duration,
    /// Waiting until the reply could leave, or for a stream to end.
    reply: Duration,
}

impl Done {
    fn parts(&self) -> Parts {
        let Origin { came, whole, answered, .. } = self.origin;
        let whole = whole.unwrap_or(came);
        let answered = answered.unwrap_or(self.at);
        Parts { body: whole.since(came), handling: answered.since(whole), reply: self.at.since(answered) }
    }

    fn say(&self, level: Level, name: &'static str, text: &'static str) {
        let Parts { body, handling, reply } = self.parts();
        let Origin { method, route, path_hash, request_bytes, came, .. } = self.origin;
        let method = if route == RouteNumber::NONE { "none" } else { method.name() };
        let status = match self.ended {
            Ended::With(status) => Value::from(status),
            Ended::Gone => Value::Text("gone"),
        };
        let hash = format!("{path_hash:016x}");
        let peer = self.peer.map(|peer| peer.to_string());
        log::event(
            level,
            name,
            format_args!("{text}"),
            &[
                ("method", method.into()),
                ("route", route.label().into()),
                ("path_hash", Value::from((route != RouteNumber::NONE).then_some(hash.as_str()))),
                ("status", status),
                ("request_bytes", request_bytes.into()),
                ("reply_bytes", self.reply_bytes.into()),
                ("took_ms", self.at.since(came).into()),
                ("body_ms", body.into()),
                ("handling_ms", handling.into()),
                ("reply_ms", reply.into()),
                ("peer", Value::from(peer.as_deref())),
            ],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(whole: Option<u64>, answered: Option<u64>, at: u64) -> Done {
        let moment = |millis: u64| Moment(millis * 1_000_000);
        let origin = Origin { whole: whole.map(moment), answered: answered.map(moment), ..Origin::unknown(moment(10)) };
        Done { origin, ended: Ended::With(200), at: moment(at), reply_bytes: 0, peer: None }
    }

    #[test]
    fn the_parts_of_a_request_are_all_of_its_time() {
        for (whole, answered, parts) in [
            (None, None, [0, 90, 0]),
            (Some(40), None, [30, 60, 0]),
            (None, Some(40), [0, 30, 60]),
            (Some(40), Some(60), [30, 20, 40]),
        ] {
            let [body, handling, reply] = parts.map(Duration::from_millis);
            assert_eq!(done(whole, answered, 100).parts(), Parts { body, handling, reply });
        }
    }

    #[test]
    fn nothing_is_looked_at_that_took_less_than_what_is_slow() {
        let slow = Telling { each: false, slow_after: Some(Duration::from_secs(1)) };
        assert!(slow.may_tell(Duration::from_secs(1)) && !slow.may_tell(Duration::from_millis(999)));
        assert!(!Telling::default().may_tell(Duration::MAX));
        assert!(Telling { each: true, slow_after: None }.may_tell(Duration::ZERO));
    }
}
