//! What was promised against the others, and under which conditions.

use crate::options::Options;
use crate::peers::case::{
    GET, GET_BUSY, GET_FOREIGN, GET_PACED, GET_PIPELINED, GET_PIPELINED_FOREIGN, PUT, PUT_PIPELINED, Who,
};
use crate::run::Run;

/// What of two runs is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// CPU time of the server a request.
    Cpu,
    /// The latency that 99 % of the requests keep.
    P99,
}

impl By {
    /// Its word in tables.
    pub fn word(self) -> &'static str {
        match self {
            By::Cpu => "CPU",
            By::P99 => "p99",
        }
    }

    /// Its value in a run.
    pub fn value(self) -> fn(&Run) -> f64 {
        match self {
            By::Cpu => |run| run.server_cpu_us,
            By::P99 => |run| run.latency_us("p99"),
        }
    }
}

/// Our `case` over another run, at most a bound; compared for information where there is none.
#[derive(Debug)]
pub struct Promise {
    /// Our case.
    pub case: &'static str,
    /// The case and the server that it is compared with.
    pub over: (&'static str, Who),
    /// In what.
    pub by: By,
    /// What the ratio must not exceed.
    pub bound: Option<f64>,
    /// What we would like it not to exceed.
    pub aim: Option<f64>,
}

/// All comparisons.
pub const PROMISES: &[Promise] = &[
    promise(GET, Who::Nginx, Some(1.15), Some(1.0)),
    promise(GET, Who::Redis, Some(0.8), Some(0.65)),
    promise(GET, Who::Bare, None, None),
    promise(GET, Who::Webdis, None, None),
    promise(GET_PIPELINED, Who::Nginx, Some(0.4), Some(0.3)),
    promise(GET_PIPELINED, Who::Redis, Some(0.7), Some(0.55)),
    promise(PUT, Who::Redis, Some(1.3), Some(1.1)),
    promise(PUT, Who::Webdis, None, None),
    promise(PUT_PIPELINED, Who::Redis, None, None),
    promise(GET_FOREIGN, Who::Nginx, None, None),
    promise(GET_FOREIGN, Who::Redis, None, None),
    promise(GET_PIPELINED_FOREIGN, Who::Nginx, None, None),
    promise(GET_PIPELINED_FOREIGN, Who::Redis, None, None),
    Promise { case: GET_BUSY, over: (GET, Who::Ours), by: By::Cpu, bound: Some(1.3), aim: None },
    Promise { case: GET_PACED, over: (GET_PACED, Who::Nginx), by: By::P99, bound: Some(1.25), aim: None },
];

/// Resident KiB of one of 10,000 idle connections, and what we would like it to be.
pub const IDLE_KIB: (f64, f64) = (6.0, 4.0);

/// CPU over that of the same case elsewhere.
const fn promise(case: &'static str, who: Who, bound: Option<f64>, aim: Option<f64>) -> Promise {
    Promise { case, over: (case, who), by: By::Cpu, bound, aim }
}

/// True under the conditions for which all this was promised.
pub fn is_promised(options: &Options) -> bool {
    let asked = (options.connections, options.document_bytes, options.keys, options.depth, options.busy, options.idle);
    asked == (64, 1000, 100_000, 16, 2000, 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::case::CASES;

    #[test]
    fn every_promise_compares_runs_that_are_made() {
        let is_made = |name: &str, who: Who| CASES.iter().any(|case| case.name == name && case.on.contains(&who));
        for promise in PROMISES {
            assert!(is_made(promise.case, Who::Ours) && is_made(promise.over.0, promise.over.1), "{promise:?}");
            assert!(promise.aim.is_none_or(|aim| promise.bound.is_some_and(|bound| aim < bound)), "{promise:?}");
        }
    }

    #[test]
    fn promises_hold_for_the_defaults_only() {
        assert!(is_promised(&Options::default()));
        assert!(!is_promised(&Options { depth: 8, ..Options::default() }));
    }
}
