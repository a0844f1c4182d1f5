//! What is asked of whom.

use crate::options::Options;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The one that all this is about.
    Ours,
    /// A poll, a recv and a send, the same reply unread: what the kernel alone costs.
    Bare,
    /// Answering one document whatever is asked: what HTTP alone costs.
    Nginx,
    /// In its own protocol: what a store alone costs.
    Redis,
    /// HTTP in front of that Redis, whose CPU counts too.
    Webdis,
}

impl Who {
    /// Its name in tables and results.
    pub fn name(self) -> &'static str {
        match self {
            Who::Ours => "Memory Tools",
            Who::Bare => "recv and send alone",
            Who::Nginx => "nginx",
            Who::Redis => "Redis",
            Who::Webdis => "webdis",
        }
    }
}

/// Reading or writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// PUT, over a document of the same size; SET in Redis.
    Put,
}

/// How much is asked at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// One request under way on each connection.
    Plain,
    /// `--depth` together on each connection.
    Pipelined,
    /// One on each of `--busy` connections.
    Busy,
    /// So many quarters of what the slowest of them can do, evenly over time.
    Paced {
        /// 1 to 3.
        quarters: u32,
    },
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Our generator.
    Generator,
    /// wrk, or redis-benchmark.
    Foreign,
}

/// A kind of run.
#[derive(Debug)]
pub struct Case {
    /// Its name in results.
    pub name: &'static str,
    /// What is asked.
    pub verb: Verb,
    /// How much.
    pub load: Load,
    /// Who asks.
    pub by: Asker,
    /// Who is asked.
    pub on: &'static [Who],
}

/// The names of the cases.
pub const GET: &str = "GET";
/// See `GET`.
pub const GET_PIPELINED: &str = "GET, pipelined";
/// See `GET`.
pub const GET_BUSY: &str = "GET, many connections";
/// See `GET`.
pub const GET_PACED: &str = "GET, constant rate";
/// See `GET`; at a quarter of saturation, ...
pub const GET_PACED_LOW: &str = "GET, constant rate, a quarter";
/// ... and at three.
pub const GET_PACED_HIGH: &str = "GET, constant rate, three quarters";
/// See `GET`.
pub const PUT: &str = "PUT";
/// See `GET`.
pub const PUT_PIPELINED: &str = "PUT, pipelined";

/// See `GET`.
pub const GET_FOREIGN: &str = "GET, foreign clients";
/// See `GET`.
pub const GET_PIPELINED_FOREIGN: &str = "GET, pipelined, foreign clients";

/// Whom foreign clients ask: the servers whose ratio they could show to be another.
const FOREIGN_ON: &[Who] = &[Who::Ours, Who::Nginx, Who::Redis];

/// At so many quarters of what the slower of the two answers.
const fn paced(name: &'static str, quarters: u32) -> Case {
    let load = Load::Paced { quarters };
    Case { name, verb: Verb::Get, load, by: Asker::Generator, on: &[Who::Ours, Who::Nginx] }
}

/// The cases in their order within a round. What is paced follows what it takes its rate from.
pub const CASES: &[Case] = &[
    Case {
        name: GET,
        verb: Verb::Get,
        load: Load::Plain,
        by: Asker::Generator,
        on: &[Who::Ours, Who::Bare, Who::Nginx, Who::Redis, Who::Webdis],
    },
    Case { name: GET_BUSY, verb: Verb::Get, load: Load::Busy, by: Asker::Generator, on: &[Who::Ours] },
    paced(GET_PACED_LOW, 1),
    paced(GET_PACED, 2),
    paced(GET_PACED_HIGH, 3),
    Case {
        name: GET_PIPELINED,
        verb: Verb::Get,
        load: Load::Pipelined,
        by: Asker::Generator,
        on: &[Who::Ours, Who::Nginx, Who::Redis],
    },
    Case {
        name: PUT,
        verb: Verb::Put,
        load: Load::Plain,
        by: Asker::Generator,
        on: &[Who::Ours, Who::Redis, Who::Webdis],
    },
    Case {
        name: PUT_PIPELINED,
        verb: Verb::Put,
        load: Load::Pipelined,
        by: Asker::Generator,
        on: &[Who::Ours, Who::Redis],
    },
    Case { name: GET_FOREIGN, verb: Verb::Get, load: Load::Plain, by: Asker::Foreign, on: FOREIGN_ON },
    Case { name: GET_PIPELINED_FOREIGN, verb: Verb::Get, load: Load::Pipelined, by: Asker::Foreign, on: FOREIGN_ON },
];

/// Whose idle connections are weighed.
pub const IDLE_ON: &[Who] = &[Who::Ours, Who::Nginx];

impl Case {
    /// What is asked, with its numbers.
    pub fn title(&self, options: &Options) -> String {
        let verb = match (self.verb, self.by) {
            (Verb::Get, Asker::Generator) => "GET",
            (Verb::Get, Asker::Foreign) => "GET of one key by wrk and redis-benchmark",
            (Verb::Put, _) => "PUT, Redis SET",
        };
        match self.load {
            Load::Plain => format!("{verb}: {} connections", options.connections),
            Load::Pipelined => format!("{verb}: {} connections, {} pipelined", options.connections, options.depth),
            Load::Busy => format!("{verb}: {} connections", options.busy),
            Load::Paced { quarters } => {
                format!("{verb}: {} connections, {} % of saturation", options.connections, quarters * 25)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_clients_follow_the_run_of_ours_whose_rate_they_need() {
        for case in CASES.iter().filter(|case| case.by == Asker::Foreign) {
            let like = |one: &&Case| one.by == Asker::Generator && (one.verb, one.load) == (case.verb, case.load);
            let before = CASES.iter().take_while(|one| one.name != case.name).find(like).unwrap();
            assert!(case.on.iter().all(|who| before.on.contains(who)), "{}", case.name);
            assert!(matches!(case.load, Load::Plain | Load::Pipelined), "{}", case.name);
        }
    }

    #[test]
    fn names_are_different_and_what_is_paced_follows_its_rate() {
        let names: std::collections::BTreeSet<_> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
        let at = |name| CASES.iter().position(|case| case.name == name).unwrap();
        for paced in [GET_PACED_LOW, GET_PACED, GET_PACED_HIGH] {
            assert!(at(GET) < at(paced));
            for who in CASES[at(paced)].on {
                assert!(CASES[at(GET)].on.contains(who), "{who:?}");
            }
        }
    }
}
