//! One request on its way through a handler: what the route found in the path, and what came with it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::access::{Grant, Reach};
use crate::base::limits::KEY_BYTES_MAX;
use crate::model::{CollectionName, Command, Execute, Key, KeyFault, Outcome, Scope};

use super::message::{Headers, Intake, Later, Method, RequestBody, Step, Work};
use super::problem::{Kind, Problem};
use super::query::Query;
use super::routes::Operation;
use super::target::{Plus, decode_or_problem};
use super::{Api, Response};

/// What a handler gets.
pub struct Call<'a> {
    /// The method: that of the operation, or HEAD for GET.
    pub method: Method,
    /// What the table says of it.
    pub operation: &'static Operation,
    /// `{c}` of the route, as it stands in the path.
    pub collection: Option<&'a str>,
    /// `{key...}` of the route, as it stands in the path.
    pub key: Option<&'a str>,
    /// The query, as it was sent.
    pub query: &'a str,
    /// The header fields.
    pub headers: &'a dyn Headers,
    /// The body, as far as it is here.
    pub body: RequestBody<'a>,
    /// Executes what whoever calls is permitted.
    pub execute: &'a Arc<dyn Execute>,
    /// What the token grants that was presented; `None` when none is asked for.
    pub grant: Option<&'a Grant>,
}

/// Answers a call. It is made again with the body when a handler gathers it, so whatever comes before that changes
/// nothing.
pub type Handler = for<'a> fn(&Api, &Call<'a>) -> Result<Response, Otherwise>;

/// What a handler gives in place of a reply.
pub enum Otherwise {
    /// What is wrong.
    Problem(Problem),
    /// The body is wanted first, of at most so many bytes.
    Gather {
        /// Bytes of the body.
        bytes_max: usize,
    },
    /// The body is wanted part by part.
    Stream(Box<dyn Intake>),
    /// What will reply.
    Later(Later),
    /// The work that ends in a reply.
    Work(Box<dyn Work>),
    /// Nothing was changed, for want of room: the same once more, when there is some.
    Again,
}

impl Otherwise {
    /// What a step comes to that was refused, or found no room for what it writes.
    ///
    /// # Panics
    /// For what only the first look at a request may ask for.
    pub fn into_step(self) -> Step {
        match self {
            Otherwise::Again => Step::NoRoom,
            Otherwise::Problem(problem) => Step::Done(problem.into_response()),
            _ => unreachable!("a step is refused, or has to be tried again"),
        }
    }
}

impl From<Problem> for Otherwise {
    fn from(problem: Problem) -> Otherwise {
        Otherwise::Problem(problem)
    }
}

impl<'a> Call<'a> {
    /// Executes a command; a refusal becomes a problem, or another try.
    ///
    /// # Errors
    /// As `Execute::execute`.
    pub fn run(&self, command: Command<'_>) -> Result<Outcome, Otherwise> {
        Ok(self.execute.execute(command)?)
    }

    /// Makes sure that whoever calls reaches every document of `scope` whose key begins with `prefix`. What is executed
    /// need not be asked about: `execute` refuses it by itself.
    ///
    /// # Errors
    /// `out_of_reach`.
    pub fn must_reach_all(&self, scope: Scope<'_>, prefix: &str) -> Result<(), Problem> {
        self.must_reach(|reach| reach.holds_all_with(scope, prefix.as_bytes()))
    }

    /// As `must_reach_all`, in the main store and every collection.
    ///
    /// # Errors
    /// `out_of_reach`.
    pub fn must_reach_in_all_collections(&self, prefix: &str) -> Result<(), Problem> {
        self.must_reach(|reach| reach.holds_everywhere(prefix.as_bytes()))
    }

    fn must_reach(&self, is_reached: impl FnOnce(&Reach) -> bool) -> Result<(), Problem> {
        match self.grant {
            Some(grant) if !is_reached(&grant.reach) => Err(Problem::forbidden(grant.out_of_reach())),
            _ => Ok(()),
        }
    }

    /// The parameters of the query, which must be among those of the operation.
    ///
    /// # Errors
    /// As `Query::read`.
    pub fn parameters(&self) -> Result<Query<'a>, Problem> {
        Query::read(self.query, self.operation.query)
    }

    /// The decoded name of the collection in the path; `None` on the routes of the main store.
    ///
    /// # Errors
    /// A bad escape, or a name that breaks a rule.
    #[inline]
    pub fn collection_name(&self) -> Result<Option<Cow<'a, str>>, Problem> {
        let Some(raw) = self.collection else { return Ok(None) };
        decode_or_problem(raw, Plus::Literal, "the name of the collection").map(Some)
    }

    /// The key in the path, decoded once.
    ///
    /// # Errors
    /// A bad escape.
    pub fn path_key(&self) -> Result<Option<Cow<'a, str>>, Problem> {
        self.key.map(|raw| decode_or_problem(raw, Plus::Literal, "the key")).transpose()
    }
}

/// Checks a decoded key.
///
/// # Errors
/// `key_empty`, `key_too_long` with the limit, `key_invalid`.
#[inline]
pub fn key_of(text: &str) -> Result<Key<'_>, Problem> {
    Key::new(text).map_err(no_key)
}

#[cold]
fn no_key(fault: KeyFault) -> Problem {
    match fault {
        KeyFault::Empty => Problem::new(Kind::KeyEmpty, fault.to_string()),
        KeyFault::TooLong { bytes } => Problem::new(Kind::KeyTooLong, fault.to_string())
            .size("limit_bytes", KEY_BYTES_MAX)
            .size("size_bytes", bytes),
        KeyFault::Nul { .. } => Problem::new(Kind::KeyInvalid, fault.to_string()),
    }
}

/// Checks a decoded name of a collection; without one, the main store is meant.
///
/// # Errors
/// `collection_name_invalid`.
pub fn scope_of(name: Option<&str>) -> Result<Scope<'_>, Problem> {
    let Some(name) = name else { return Ok(Scope::Main) };
    Ok(Scope::Collection(name_of(name)?))
}

/// Checks a decoded name of a collection.
///
/// # Errors
/// `collection_name_invalid`.
pub fn name_of(name: &str) -> Result<CollectionName<'_>, Problem> {
    CollectionName::new(name).map_err(|fault| Problem::new(Kind::CollectionNameInvalid, fault.to_string()))
}

/// The scope of a name that was checked when the request came, or that comes from the store: kept as text by what
/// outlives the request.
pub fn known_scope(name: Option<&str>) -> Scope<'_> {
    name.map_or(Scope::Main, |name| Scope::Collection(known_name(name)))
}

/// As `known_scope`, of a collection, staged or not.
pub fn known_name(name: &str) -> CollectionName<'_> {
    CollectionName::stored(name).expect("the name was checked, or comes from the store")
}

/// There is no collection `name`.
pub fn no_such_collection(name: &str) -> Problem {
    Problem::new(Kind::CollectionNotFound, format!("there is no collection {name:?}"))
}

/// There is no collection of a name that the resource API gives to no new one.
pub fn not_creatable() -> Problem {
    let detail = "the collection does not exist, and a new one cannot be called so";
    Problem::new(Kind::CollectionNameInvalid, detail)
        .hint("new names are 1 to 128 of A-Z a-z 0-9 _ . - and do not start with a dot")
}
