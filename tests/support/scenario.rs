//! Scenarios as data: requests with the answers they must get, the clock moved and the server restarted in between.
//!
//! A scenario is run over every `Door`: straight into the service, and over each front's sockets. One helper, `run`,
//! touches the server.

use super::described;
use super::door::{Door, Reply};
use super::exposition;
use super::http::Sent;

/// One scenario: a fact, and the steps that show it. Every scenario starts on an empty server.
pub struct Scenario {
    /// The fact.
    pub name: &'static str,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// One step.
pub enum Step {
    /// A request and what its answer must be.
    Exchange(Exchange),
    /// The clock moves forward by so many milliseconds.
    Advance(u64),
    /// So many bytes of memory are in use from now on.
    UsesMemory(u64),
    /// The server is stopped cleanly and started again on the same data folder.
    Restart,
}

/// A request and what its answer must be.
pub struct Exchange {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    expected_headers: Vec<(&'static str, Option<String>)>,
    expected_body: Expected,
}

enum Expected {
    Anything,
    Exactly(Vec<u8>),
    Containing(Vec<String>),
}

/// A request with `method` and `target`; 200 is expected unless said otherwise.
pub fn send(method: &'static str, target: impl Into<String>) -> Exchange {
    Exchange {
        method,
        target: target.into(),
        headers: Vec::new(),
        body: Vec::new(),
        status: 200,
        expected_headers: Vec::new(),
        expected_body: Expected::Anything,
    }
}

/// A GET.
pub fn get(target: impl Into<String>) -> Exchange {
    send("GET", target)
}

/// A PUT of `body`.
pub fn put(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Exchange {
    send("PUT", target).carrying(body)
}

/// A POST of `body`.
pub fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Exchange {
    send("POST", target).carrying(body)
}

/// A DELETE.
pub fn delete(target: impl Into<String>) -> Exchange {
    send("DELETE", target)
}

impl Exchange {
    /// Sends `body`.
    pub fn carrying(mut self, body: impl Into<Vec<u8>>) -> Exchange {
        self.body = body.into();
        self
    }

    /// Sends a header field.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Exchange {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer has this status.
    pub fn gives(mut self, status: u16) -> Exchange {
        self.status = status;
        self
    }

    /// The answer has this header field with exactly this value.
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> Exchange {
        self.expected_headers.push((name, Some(value.into())));
        self
    }

    /// The answer lacks this header field.
    pub fn no_field(mut self, name: &'static str) -> Exchange {
        self.expected_headers.push((name, None));
        self
    }

    /// The answer's body is exactly this.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Exchange {
        self.expected_body = Expected::Exactly(body.into());
        self
    }

    /// The answer's body contains this.
    pub fn containing(mut self, part: impl Into<String>) -> Exchange {
        match &mut self.expected_body {
            Expected::Containing(parts) => parts.push(part.into()),
            _ => self.expected_body = Expected::Containing(vec![part.into()]),
        }
        self
    }
}

impl From<Exchange> for Step {
    fn from(exchange: Exchange) -> Step {
        Step::Exchange(exchange)
    }
}

/// Builds a scenario from steps of both kinds.
#[macro_export]
macro_rules! scenario {
    ($name:literal; $($step:expr),* $(,)?) => {
        $crate::support::scenario::Scenario { name: $name, steps: vec![$($crate::support::scenario::Step::from($step)),*] }
    };
}

/// Runs `scenario` through `door` and fails with the scenario, the step and both answers. Exchanges with nothing
/// between them are given to the door together. What is counted grows, from one start to the next.
pub fn run(scenario: &Scenario, door: &mut dyn Door) {
    let mut together = Vec::new();
    let mut page = page_of(door);
    for (number, step) in scenario.steps.iter().enumerate() {
        if let Step::Exchange(exchange) = step {
            together.push((number, exchange));
            continue;
        }
        exchange_all(scenario, &std::mem::take(&mut together), door);
        match step {
            Step::Advance(millis) => door.advance(*millis),
            Step::UsesMemory(bytes) => door.use_memory(*bytes),
            Step::Restart => {
                door.restart();
                page = page_of(door);
            }
            Step::Exchange(_) => {}
        }
    }
    exchange_all(scenario, &together, door);
    if let Err(fallen) = exposition::grows(&page, &page_of(door)) {
        panic!("{}: over {}, {fallen}", scenario.name, door.name());
    }
}

fn page_of(door: &mut dyn Door) -> exposition::Page {
    let reply = door.send("GET", "/metrics", &[], b"");
    // Where a token is asked for, the page is not for whoever comes without one.
    if reply.status == 401 {
        return exposition::Page::default();
    }
    let text = String::from_utf8(reply.body).expect("a page is text");
    exposition::parse(&text).unwrap_or_else(|error| panic!("over {}: {error}\n{text}", door.name()))
}

fn exchange_all(scenario: &Scenario, exchanges: &[(usize, &Exchange)], door: &mut dyn Door) {
    let fields: Vec<Vec<(&str, &str)>> = exchanges
        .iter()
        .map(|(_, exchange)| exchange.headers.iter().map(|(name, value)| (*name, value.as_str())).collect())
        .collect();
    let requests: Vec<Sent<'_>> = exchanges
        .iter()
        .zip(&fields)
        .map(|((_, exchange), headers)| Sent {
            method: exchange.method,
            target: &exchange.target,
            headers,
            body: &exchange.body,
        })
        .collect();
    let replies = door.send_all(&requests);
    assert_eq!(replies.len(), exchanges.len(), "{}: over {}", scenario.name, door.name());
    for ((number, exchange), reply) in exchanges.iter().zip(&replies) {
        let is_described = || described::check(exchange.method, &exchange.target, reply);
        if let Err(difference) = exchange.check(reply).and_then(|()| is_described()) {
            panic!(
                "{}: over {}, step {number}, {} {}: {difference}\n{reply:?}",
                scenario.name,
                door.name(),
                exchange.method,
                exchange.target,
            );
        }
    }
}

impl Exchange {
    fn check(&self, reply: &Reply) -> Result<(), String> {
        if reply.status != self.status {
            return Err(format!("expected the status {}", self.status));
        }
        for (name, expected) in &self.expected_headers {
            let found = reply.header(name);
            if found != expected.as_deref() {
                return Err(format!("expected the field {name} to be {expected:?}, found {found:?}"));
            }
        }
        match &self.expected_body {
            Expected::Anything => Ok(()),
            Expected::Exactly(expected) if *expected == reply.body => Ok(()),
            Expected::Exactly(expected) => Err(format!("expected the body {:?}", String::from_utf8_lossy(expected))),
            Expected::Containing(parts) => {
                let body = String::from_utf8_lossy(&reply.body);
                match parts.iter().find(|part| !body.contains(part.as_str())) {
                    Some(missing) => Err(format!("expected the body to contain {missing:?}")),
                    None => Ok(()),
                }
            }
        }
    }
}
