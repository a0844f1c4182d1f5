//! Which web pages may read what is answered: the CORS protocol of the Fetch Standard
//! (<https://fetch.spec.whatwg.org/#http-cors-protocol>).
//!
//! A browser keeps an answer from a script of another origin unless the answer says that it may have it, and asks in a
//! request of its own, the preflight, before it sends what a form could not. So this lets nobody in whom a token keeps
//! out, and holds nobody off but browsers. No answer permits credentials, which here would be cookies: a token is a
//! field that the script sends, and which a preflight has to name, as `*` does not stand for it.
//!
//! Invariant: where an answer depends on the origin it says so, `Vary: Origin`, also to who names none. What a front
//! answers before there is a request, a broken head or a connection too many, has nothing of this: the script is told of
//! a network error.

use super::ending;
use super::message::{Answer, Headers, Method, Request, Response, Value};
use super::routes;
use super::target::Target;

/// The origins whose pages may read answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every one.
    Any,
    /// These, as browsers write them.
    Listed(Vec<String>),
}

/// Fields of a request that a script may set, beside those that any page may.
const REQUEST_FIELDS: &str = "Authorization, Content-Type, If-Match, If-None-Match, Prefer, Accept, Last-Event-ID";

/// Fields of an answer that a script may read, beside those that any page may.
const REPLY_FIELDS: &str = "ETag, Location, Link, MT-TTL, MT-Expires-At, MT-LSN, MT-Documents, MT-Bytes, \
                            Preference-Applied, Retry-After, Allow, Accept-Patch, WWW-Authenticate";

/// Methods of a path that is none of ours: so the script is shown the 404.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// How long a browser may remember the answer to a preflight: as long as any of them does.
const MAX_AGE_SECONDS: u64 = 7200;

/// Says in answers which pages may read them.
pub(super) struct Cors {
    origins: Origins,
}

/// What an answer says of origins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Share {
    /// Every page may read it.
    WithAny,
    /// The pages of this origin may, and others may not.
    With(String),
    /// The page that asked may not, or none asked; another might.
    WithNone,
}

impl Cors {
    /// For the pages of `origins`.
    pub(super) fn new(origins: Origins) -> Cors {
        Cors { origins }
    }

    /// What `answer` gives to `request`, which says which pages may read it; and the answer to a preflight.
    #[cold]
    pub(super) fn around(&self, request: Request<'_>, answer: impl FnOnce() -> Answer) -> Answer {
        let share = self.share(request.headers);
        if request.method == Method::Options && share != Share::WithNone && asks_for_a_method(request.headers) {
            return Answer::Reply(preflight(request.target, share));
        }
        let say = move |response: &mut Response| share.put_on(response);
        match answer() {
            Answer::Reply(mut response) => {
                say(&mut response);
                Answer::Reply(response)
            }
            Answer::Stream(intake) => Answer::Stream(ending::of_intake(intake, say)),
            Answer::Later(later) => Answer::Later(ending::of_later(later, say)),
            Answer::Work(work) => Answer::Work(ending::of_work(work, say)),
            // It is asked once more.
            again @ (Answer::Gather { .. } | Answer::Again) => again,
        }
    }

    /// Says in `response`, which answers a request with `headers`, which pages may read it.
    pub(super) fn put_on(&self, headers: &dyn Headers, response: &mut Response) {
        self.share(headers).put_on(response);
    }

    fn share(&self, headers: &dyn Headers) -> Share {
        let Origins::Listed(origins) = &self.origins else { return Share::WithAny };
        let (mut fields, mut found) = (0, None);
        headers.each("Origin", &mut |value| {
            fields += 1;
            found = origins.iter().find(|origin| *origin == value).cloned();
        });
        found.filter(|_| fields == 1).map_or(Share::WithNone, Share::With)
    }
}

impl Share {
    fn put_on(self, response: &mut Response) {
        if let Share::WithAny | Share::With(_) = self {
            response.push("Access-Control-Expose-Headers", Value::Static(REPLY_FIELDS));
        }
        self.name_origin(response);
    }

    fn name_origin(self, response: &mut Response) {
        const NAME: &str = "Access-Control-Allow-Origin";
        const VARY: Value = Value::Static("Origin");
        match self {
            Share::WithAny => response.push(NAME, Value::Static("*")),
            Share::With(origin) => {
                response.push(NAME, Value::Text(origin));
                response.push("Vary", VARY);
            }
            Share::WithNone => response.push("Vary", VARY),
        }
    }
}

/// A preflight names the method that is to come, and comes from a page; without the one or the other OPTIONS is only that.
fn asks_for_a_method(headers: &dyn Headers) -> bool {
    let has = |name| {
        let mut has = false;
        headers.each(name, &mut |_| has = true);
        has
    };
    has("Origin") && has("Access-Control-Request-Method")
}

/// What may be sent to `target`. It is the same for every method that is asked for: what is not among them is refused by
/// the browser.
fn preflight(target: &str, share: Share) -> Response {
    let methods = match routes::find(Target::split(target).path) {
        Some((route, _)) => Value::Text(route.allow()),
        None => Value::Static(METHODS),
    };
    let mut response = Response::new(204)
        .with("Access-Control-Allow-Methods", methods)
        .with("Access-Control-Allow-Headers", Value::Static(REQUEST_FIELDS))
        .with("Access-Control-Max-Age", Value::Number(MAX_AGE_SECONDS));
    share.name_origin(&mut response);
    response
}

#[cfg(test)]
mod tests {
    use super::super::routes::ROUTES;
    use super::*;

    fn holds(list: &str, name: &str) -> bool {
        list.split(", ").any(|listed| listed.eq_ignore_ascii_case(name))
    }

    /// What any script may read (Fetch Standard, "CORS-safelisted response-header name").
    const SAFE: &str = "Cache-Control, Content-Language, Content-Length, Content-Type, Expires, Last-Modified, Pragma";

    /// What is for the browser, of a page that it shows.
    const OF_PAGES: &str = "Content-Security-Policy, X-Content-Type-Options, Referrer-Policy";

    #[test]
    fn a_script_may_send_and_read_every_field_that_an_operation_has() {
        for operation in ROUTES.iter().flat_map(|route| route.operations) {
            for field in operation.fields {
                assert!(holds(REQUEST_FIELDS, field.name), "{} of {}", field.name, operation.id);
            }
            for field in operation.replies.iter().flat_map(|reply| reply.fields) {
                let is_readable = [REPLY_FIELDS, SAFE, OF_PAGES].iter().any(|list| holds(list, field));
                assert!(is_readable, "{field} of {}", operation.id);
            }
        }
    }
}
