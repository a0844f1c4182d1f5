//! HTTP semantics: routes, bodies, conditions, errors. Plain `Request` in, plain `Answer` out.
//!
//! It knows neither sockets nor what is behind `Execute`. Invariant: every request gets a response, nothing that a
//! client sends reaches a panic, and no handler waits for a peer or for another thread's work.

pub mod message;
pub mod timestamp;

mod accept;
mod audit;
mod backup;
mod body;
mod bulk;
mod call;
mod changes;
mod collections;
mod conditions;
mod cors;
mod docs;
mod ending;
mod envelope;
mod expiry;
mod guard;
mod inspect;
mod lines;
mod one_line;
mod openapi;
mod preference;
mod problem;
mod query;
mod routes;
mod seed;
mod system;
mod target;
mod transfer;
mod ui;

use std::sync::Arc;

use smallvec::SmallVec;

use crate::access::{Grant, Tokens};
use crate::base::clock::Clock;
use crate::base::health::{Health, Reason};
use crate::base::limits::LOOK_AHEAD_MAX;
use crate::model::{Changes, Execute, Figures, Hint, Operate};

use body::Limit;
use call::{Call, Otherwise};
use cors::Cors;
use guard::Guard;
use message::{Answer, Headers, Method, Request, Response, Value};
use routes::{Family, Found, Needs, Route};
use target::Target;

pub use body::validate;
pub use cors::Origins;
pub use openapi::text as description;
pub use problem::{Kind, Problem};
pub use routes::{ROUTES, RouteNumber};
pub use transfer::LineWriter;

/// Answers requests. A front holds one and knows nothing else of what it serves.
pub trait Handle: Send + Sync {
    /// Answers `request`, or says what it needs first. Never waits: a front's only thread may be the caller.
    fn handle(&self, request: Request<'_>) -> Answer;

    /// Takes a hint that GETs of `targets`, which nobody has checked, are likely to follow in a moment. Changes nothing and
    /// never waits; a wrong hint costs time and nothing else.
    fn anticipate(&self, _targets: &[&[u8]]) {}

    /// Which route `target` leads to, for whoever counts requests. Says nothing of whether it may be asked.
    fn route_of(&self, _target: &str) -> RouteNumber {
        RouteNumber::UNKNOWN
    }

    /// Adds to `response`, which a front words by itself for a request with `headers`, what every answer to it says.
    fn complete(&self, _headers: &dyn Headers, _response: &mut Response) {}
}

/// What the api room is told at start.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// Bytes of a document.
    pub document_bytes_max: usize,
    /// Operations of one bulk.
    pub bulk_operations_max: usize,
    /// Bytes of one bulk.
    pub bulk_bytes_max: usize,
    /// How this server is reached, for the welcome page: `http://127.0.0.1:8080`.
    pub url: String,
}

/// An option of the configuration, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownSetting {
    /// Its key in config.json.
    pub name: &'static str,
    /// Its value, as JSON.
    pub json: String,
    /// Where the value came from.
    pub source: String,
}

/// The HTTP service: everything that a request needs, and nothing that it must not see.
pub struct Api {
    guard: Guard,
    operate: Arc<dyn Operate>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    /// `None` when nobody counts: `/metrics` is an empty page then.
    figures: Option<Arc<dyn Figures>>,
    /// `None` when nobody keeps any: `/v1/changes` is a 404 then.
    changes: Option<Arc<dyn Changes>>,
    options: ApiOptions,
    /// `None` when answers say nothing of the pages that may read them.
    cors: Option<Cors>,
    /// Every option with its value, in the order of their table; empty when nobody has said.
    settings: Vec<ShownSetting>,
}

impl Api {
    /// Puts the service together.
    pub fn new(
        execute: Arc<dyn Execute>,
        operate: Arc<dyn Operate>,
        clock: Arc<dyn Clock>,
        health: Arc<Health>,
        options: ApiOptions,
    ) -> Api {
        Api {
            guard: Guard::new(execute),
            operate,
            clock,
            health,
            figures: None,
            changes: None,
            options,
            cors: None,
            settings: Vec::new(),
        }
    }

    /// The same service, which shows `figures` at `/metrics` and `/v1/stats`.
    #[must_use]
    pub fn showing(self, figures: Arc<dyn Figures>) -> Api {
        Api { figures: Some(figures), ..self }
    }

    /// The same service, whose readers may follow `changes`.
    #[must_use]
    pub fn telling(self, changes: Arc<dyn Changes>) -> Api {
        Api { changes: Some(changes), ..self }
    }

    /// The same service, which shows `settings` at `/v1/config`.
    #[must_use]
    pub fn configured(self, settings: Vec<ShownSetting>) -> Api {
        Api { settings, ..self }
    }

    /// The same service, whose answers may be read by web pages of `origins`.
    #[must_use]
    pub fn shared_with(self, origins: Origins) -> Api {
        Api { cors: Some(Cors::new(origins)), ..self }
    }

    /// From now on asks every request for one of these `tokens`, unless there is none among them. What is under way goes
    /// on as it began.
    pub fn ask_for(&self, tokens: Tokens) {
        self.guard.ask_for(tokens);
    }

    /// True when requests are asked for a token.
    pub fn asks_for_tokens(&self) -> bool {
        self.guard.is_on()
    }

    fn reply(&self, request: Request<'_>, family: &mut Family) -> Result<Response, Otherwise> {
        if request.target == "*" && request.method == Method::Options {
            return Ok(Response::new(204).with("Allow", Value::Static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")));
        }
        let Target { path, query } = Target::split(request.target);
        let Some((route, found)) = routes::find(path) else {
            *family = routes::family_of_unknown(path);
            return Err(unknown_route(*family, path).into());
        };
        *family = route.family;
        if request.method == Method::Options {
            let mut response = Response::new(204).with("Allow", Value::Text(route.allow()));
            // RFC 5789 §3.1.
            if route.operation(Method::Patch).is_some() {
                response.push("Accept-Patch", Value::Static(docs::ACCEPT_PATCH));
            }
            return Ok(response);
        }
        let operation = route.operation(request.method).ok_or_else(|| wrong_method(route, request.method))?;
        if *family != Family::System && self.health.holds(Reason::Loading) {
            let problem = Problem::new(Kind::Starting, "the data is still being loaded").hint("try again in a moment");
            return Err(problem.into());
        }
        let Request { method, headers, body, target } = request;
        let Found { collection, key } = found;
        let call = |execute: &Arc<dyn Execute>, grant: Option<&Grant>| {
            let call = Call { method, operation, collection, key, query, headers, body, execute, grant };
            (operation.handler)(self, &call)
        };
        if operation.needs == Needs::Admin || self.guard.is_on() {
            return self.guard.admit(operation, (method, target), headers, call);
        }
        call(self.guard.unasked(), None)
    }

    fn answer(&self, request: Request<'_>) -> Answer {
        let head_only = request.method == Method::Head;
        let mut family = Family::Resource;
        // Each time that a reply is moved costs more than what is decided here.
        let mut answer = match self.reply(request, &mut family) {
            Ok(response) => Answer::Reply(response),
            Err(Otherwise::Problem(problem)) => Answer::Reply(refusal(problem, family)),
            Err(Otherwise::Gather { bytes_max }) => Answer::Gather { bytes_max },
            Err(Otherwise::Stream(intake)) => Answer::Stream(intake),
            Err(Otherwise::Later(later)) => Answer::Later(later),
            Err(Otherwise::Work(work)) => Answer::Work(work),
            Err(Otherwise::Again) => Answer::Again,
        };
        if let Answer::Reply(response) = &mut answer {
            response.head_only = head_only;
        }
        answer
    }

    /// How large a document may be, with `around_bytes_max` around it in the body.
    fn document_limit(&self, around_bytes_max: usize) -> Limit {
        let document_bytes_max = self.options.document_bytes_max;
        Limit { document_bytes_max, around_bytes_max, option: Some("document_bytes_max") }
    }
}

impl Handle for Api {
    #[inline]
    fn handle(&self, request: Request<'_>) -> Answer {
        match &self.cors {
            None => self.answer(request),
            Some(cors) => cors.around(request, || self.answer(request)),
        }
    }

    fn anticipate(&self, targets: &[&[u8]]) {
        let hints: SmallVec<[Hint<'_>; LOOK_AHEAD_MAX]> =
            targets.iter().filter_map(|target| docs::hint_of(target)).collect();
        self.guard.unasked().anticipate(&hints);
    }

    fn route_of(&self, target: &str) -> RouteNumber {
        routes::number_of(Target::split(target).path)
    }

    fn complete(&self, headers: &dyn Headers, response: &mut Response) {
        if let Some(cors) = &self.cors {
            cors.put_on(headers, response);
        }
    }
}

/// The reply that says what is wrong.
#[cold]
fn refusal(problem: Problem, family: Family) -> Response {
    match family {
        Family::Seed => problem.into_envelope(),
        Family::Resource | Family::System => problem.into_response(),
    }
}

fn unknown_route(family: Family, path: &str) -> Problem {
    match family {
        Family::Seed => Problem::new(Kind::RouteNotFound, "Not Found"),
        Family::Resource | Family::System => Problem::new(Kind::RouteNotFound, format!("there is nothing at {path}"))
            .hint("documents are at /v1/docs/KEY; GET / shows three lines to try"),
    }
}

/// 405 for a method that others have, and for TRACE, which is known and allowed nowhere; 501 for one that is not known
/// (RFC 9110 §9.1), but for the seed's endpoints, which know only 405.
fn wrong_method(route: &Route, method: Method) -> Problem {
    let detail = match (route.family, method) {
        (Family::Seed, _) => "Method not allowed".to_owned(),
        (Family::Resource | Family::System, Method::Other) => {
            return Problem::new(Kind::MethodUnknown, "no resource of this server has this method")
                .hint("methods are in capitals: GET, not get");
        }
        (Family::Resource | Family::System, method) => {
            format!("{} is not among the methods of {}", method.name(), route.template)
        }
    };
    Problem::new(Kind::MethodNotAllowed, detail).field("Allow", Value::Text(route.allow()))
}

#[cfg(test)]
mod tests;
