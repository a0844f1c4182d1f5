//! The routes as one table: template, family of errors, operations with their handlers.
//!
//! A path belongs to the first row whose template it has; a template's segments are literal, `{c}` (one segment) or
//! `{key...}` (the whole rest of the path, empty included). Nothing is decoded before it is matched, so an encoded slash
//! never separates. The same table is what `/openapi.json` is made of.

mod bulk;
mod changes;
mod collections;
mod documents;
mod matching;
mod number;
mod operation;
pub mod parameters;
mod problems;
mod seed;
mod system;
mod transfer;

use super::call::Handler;
use super::message::Method;

use matching::row_of;

pub use number::RouteNumber;
pub use operation::{Content, Field, Form, Needs, Operation, Parameter, Reply, Takes};
pub use problems::{EVERYWHERE, TOKENS};

/// Which way a route writes its errors, and whether it answers before the data is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The resource API: problem details.
    Resource,
    /// The seed's endpoints: the envelope.
    Seed,
    /// Health and the welcome page: problem details, and always answered.
    System,
}

/// One row of the table.
pub struct Route {
    /// The path, with what varies in braces.
    pub template: &'static str,
    /// How errors are written.
    pub family: Family,
    /// What it does for which method.
    pub operations: &'static [Operation],
}

/// What a template found in a path; not decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found<'p> {
    /// `{c}`
    pub collection: Option<&'p str>,
    /// `{key...}`
    pub key: Option<&'p str>,
}

const DOCUMENT: &[Operation] = &[documents::GET, documents::PUT, documents::PATCH, documents::DELETE];
const DOCUMENTS: &[Operation] =
    &[documents::GET_OR_LIST, documents::PUT, documents::PATCH, documents::DELETE_OR_SWEEP, documents::POST];
const MANY: &[Operation] = &[documents::GET_MANY];
const COLLECTION: &[Operation] = &[collections::DESCRIBE, collections::CREATE, collections::DELETE];

const fn row(template: &'static str, family: Family, operations: &'static [Operation]) -> Route {
    Route { template, family, operations }
}

/// Every route there is.
pub const ROUTES: &[Route] = &[
    row("/v1/docs/{key...}", Family::Resource, DOCUMENT),
    row("/v1/docs", Family::Resource, DOCUMENTS),
    row("/v1/docs:get", Family::Resource, MANY),
    row("/v1/collections/{c}/docs/{key...}", Family::Resource, DOCUMENT),
    row("/v1/collections/{c}/docs", Family::Resource, DOCUMENTS),
    row("/v1/collections/{c}/docs:get", Family::Resource, MANY),
    row("/v1/docs:bulk", Family::Resource, &[bulk::BULK]),
    row("/v1/collections/{c}/docs:bulk", Family::Resource, &[bulk::BULK]),
    row("/v1/collections/{c}", Family::Resource, COLLECTION),
    row("/v1/collections", Family::Resource, &[collections::LIST]),
    row("/v1/export", Family::Resource, &[transfer::EXPORT]),
    row("/v1/import", Family::Resource, &[transfer::IMPORT]),
    row("/v1/changes", Family::Resource, &[changes::GET]),
    row("/get", Family::Seed, &[seed::GET]),
    row("/set", Family::Seed, &[seed::SET]),
    row("/delete", Family::Seed, &[seed::DELETE]),
    row("/collections/{c}/get", Family::Seed, &[seed::GET]),
    row("/collections/{c}/set", Family::Seed, &[seed::SET]),
    row("/collections/{c}/delete", Family::Seed, &[seed::DELETE]),
    row("/collections/{c}/list", Family::Seed, &[seed::LIST]),
    row("/collections", Family::Seed, &[seed::COLLECTIONS]),
    row("/collections/", Family::Seed, &[seed::COLLECTIONS]),
    row("/collections/{c}", Family::Seed, &[seed::CREATE, seed::DROP]),
    row("/livez", Family::System, &[system::LIVEZ]),
    row("/readyz", Family::System, &[system::READYZ]),
    row("/metrics", Family::System, &[system::METRICS]),
    row("/openapi.json", Family::System, &[system::DESCRIPTION]),
    row("/", Family::System, &[system::WELCOME]),
    row("/ui", Family::System, &[system::PAGE]),
    row("/v1/admin/backup", Family::Resource, &[system::BACKUP]),
    row("/v1/admin/snapshot", Family::Resource, &[system::SNAPSHOT]),
    row("/v1/admin/reload", Family::Resource, &[system::RELOAD]),
    row("/v1/stats", Family::Resource, &[system::STATS]),
    row("/v1/config", Family::Resource, &[system::CONFIG]),
];

/// The number of the route of `path`.
pub fn number_of(path: &str) -> RouteNumber {
    row_of(path).map_or(RouteNumber::UNKNOWN, |(row, _)| RouteNumber::of_row(row))
}

/// The route of `path`, with what its template found there.
pub fn find(path: &str) -> Option<(&'static Route, Found<'_>)> {
    let (row, found) = row_of(path)?;
    Some((ROUTES.get(row)?, found))
}

/// The family whose errors an unknown path gets.
pub fn family_of_unknown(path: &str) -> Family {
    if path.starts_with("/collections/") { Family::Seed } else { Family::Resource }
}

impl Route {
    /// The operation for `method`.
    pub fn operation(&self, method: Method) -> Option<&'static Operation> {
        let method = if method == Method::Head { Method::Get } else { method };
        self.operations.iter().find(|operation| operation.method == method)
    }

    /// The methods for an Allow field.
    pub fn allow(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for Operation { method, .. } in self.operations {
            names.push(method.name());
            if *method == Method::Get {
                names.push(Method::Head.name());
            }
        }
        names.push(Method::Options.name());
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(path: &str) -> Option<(&'static str, Option<&str>, Option<&str>)> {
        find(path).map(|(route, found)| (route.template, found.collection, found.key))
    }

    #[test]
    fn paths_find_their_route_without_being_decoded() {
        for (path, expected) in [
            ("/v1/docs/a/b%2Fc", Some(("/v1/docs/{key...}", None, Some("a/b%2Fc")))),
            ("/v1/docs/", Some(("/v1/docs/{key...}", None, Some("")))),
            ("/v1/docs", Some(("/v1/docs", None, None))),
            ("/v1/docs:get", Some(("/v1/docs:get", None, None))),
            ("/v1/docs/:get", Some(("/v1/docs/{key...}", None, Some(":get")))),
            ("/v1/collections/c/docs:get", Some(("/v1/collections/{c}/docs:get", Some("c"), None))),
            ("/v1/docs:got", None),
            ("/v1/docs:bulk", Some(("/v1/docs:bulk", None, None))),
            ("/v1/docs/:bulk", Some(("/v1/docs/{key...}", None, Some(":bulk")))),
            ("/v1/collections/c/docs:bulk", Some(("/v1/collections/{c}/docs:bulk", Some("c"), None))),
            ("/v1/docs//", Some(("/v1/docs/{key...}", None, Some("/")))),
            ("/v1/collections/c%2Fd/docs/k", Some(("/v1/collections/{c}/docs/{key...}", Some("c%2Fd"), Some("k")))),
            ("/v1/collections/c/docs", Some(("/v1/collections/{c}/docs", Some("c"), None))),
            ("/v1/collections//docs/k", Some(("/v1/collections/{c}/docs/{key...}", Some(""), Some("k")))),
            ("/collections/users", Some(("/collections/{c}", Some("users"), None))),
            ("/collections/", Some(("/collections/", None, None))),
            ("/collections/users/get", Some(("/collections/{c}/get", Some("users"), None))),
            ("/collections/users/frobnicate", None),
            ("/collections/users/", None),
            ("/set/", None),
            ("/nope", None),
            ("", None),
            ("/v1/docsx", None),
        ] {
            assert_eq!(matched(path), expected, "{path}");
        }
    }

    #[test]
    fn allow_names_head_beside_get_and_options_always() {
        let (route, _) = find("/v1/docs/k").unwrap();
        assert_eq!(route.allow(), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
        assert!(route.operation(Method::Head).is_some() && route.operation(Method::Post).is_none());
    }
}
