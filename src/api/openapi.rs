//! `/openapi.json`: the table of routes as OpenAPI 3.1.
//!
//! Made once, when it is first asked for. It says nothing that is not in the table, in the kinds of problems, or in
//! `schemas`, so that description and code cannot part.

mod schemas;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value as Json, json};

use super::Api;
use super::call::{Call, Otherwise};
use super::message::{self, Method, Piece, Response};
use super::problem::Kind;
use super::routes::{
    Content, EVERYWHERE, Family, Field, Needs, Operation, Parameter, ROUTES, Reply, Route, TOKENS, Takes,
};

/// The name of the scheme by which tokens come.
const TOKEN: &str = "token";

static DESCRIPTION: OnceLock<Vec<u8>> = OnceLock::new();

/// `GET /openapi.json`
///
/// # Errors
/// Unknown parameters.
pub fn description(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    Ok(Response::new(200)
        .with_field(message::Field::Json)
        .with_field(message::Field::NoCache)
        .with_piece(Piece::Static(text())))
}

/// The description as JSON, with a line end behind it.
pub fn text() -> &'static [u8] {
    DESCRIPTION.get_or_init(|| {
        let mut text = document().to_string().into_bytes();
        text.push(b'\n');
        text
    })
}

fn document() -> Json {
    let paths: Map<String, Json> = ROUTES.iter().map(|route| (path(route.template), path_item(route))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Memory Tools",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "JSON documents in memory, over HTTP",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": { TOKEN: {
                "type": "http",
                "scheme": "bearer",
                "description": "asked for where the server has tokens: each has a role (read, write, admin), and may \
                                reach one collection alone, or only keys that begin with a prefix",
            } },
        },
    })
}

/// A template as OpenAPI writes it. A key is the whole rest of a path, which OpenAPI has no word for: a client encodes
/// its slashes.
fn path(template: &str) -> String {
    template.replace("{c}", "{collection}").replace("{key...}", "{key}")
}

fn path_item(route: &Route) -> Json {
    let mut item = Map::new();
    let in_path: Vec<Json> = [("{c}", "collection", "CollectionName"), ("{key...}", "key", "Key")]
        .into_iter()
        .filter(|(part, ..)| route.template.contains(part))
        .map(|(_, name, schema)| json!({ "name": name, "in": "path", "required": true, "schema": reference(schema) }))
        .collect();
    if !in_path.is_empty() {
        item.insert("parameters".to_owned(), Json::Array(in_path));
    }
    for operation in route.operations {
        item.insert(operation.method.name().to_ascii_lowercase(), described(route, operation, operation.method));
        if operation.method == Method::Get {
            item.insert("head".to_owned(), described(route, operation, Method::Head));
        }
    }
    Json::Object(item)
}

fn described(route: &Route, operation: &Operation, method: Method) -> Json {
    let mut out = Map::new();
    out.insert("operationId".to_owned(), json!(operation_id(route, operation, method)));
    out.insert("summary".to_owned(), json!(operation.summary));
    out.insert("security".to_owned(), security(operation.needs));
    if let Some(needs) = needed(operation.needs) {
        out.insert("description".to_owned(), json!(format!("Where tokens are asked for, it needs {needs}.")));
    }
    let is_base = !route.template.contains("{key...}");
    // Whoever only looks at a head does not write.
    let is_known = |parameter: &&Parameter| match parameter.name {
        "key" => is_base,
        "touch" => method == Method::Get,
        _ => true,
    };
    let in_query = operation.query.iter().filter(is_known).map(in_query);
    let in_header = operation.fields.iter().map(in_header);
    out.insert("parameters".to_owned(), in_query.chain(in_header).collect());
    if let Some(body) = request_body(operation.takes) {
        out.insert("requestBody".to_owned(), body);
    }
    out.insert("responses".to_owned(), responses(route.family, operation, method));
    Json::Object(out)
}

/// A server without tokens asks for none.
fn security(needs: Needs) -> Json {
    if needs == Needs::Nothing { json!([]) } else { json!([{ TOKEN: [] }, {}]) }
}

fn needed(needs: Needs) -> Option<&'static str> {
    match needs {
        Needs::Nothing => None,
        Needs::Read => Some("the role read"),
        Needs::ReadAll => Some("the role read, and a reach over everything"),
        Needs::Write => Some("the role write"),
        Needs::Admin => Some("the role admin"),
    }
}

/// Unique over all: the operations of `{base}` stand under four templates.
fn operation_id(route: &Route, operation: &Operation, method: Method) -> String {
    let mut id = operation.id.to_owned();
    if method == Method::Head {
        id.push_str("_head");
    }
    if route.template.contains("{c}") {
        id.push_str("_in_collection");
    }
    if route.template.ends_with("/docs") {
        id.push_str("_by_query");
    }
    if route.template.len() > 1 && route.template.ends_with('/') {
        id.push_str("_slash");
    }
    id
}

fn in_query(parameter: &Parameter) -> Json {
    json!({
        "name": parameter.name,
        "in": "query",
        "description": parameter.about,
        "required": parameter.is_required,
        "allowEmptyValue": matches!(parameter.form, super::routes::Form::Flag),
        "schema": schemas::of_form(&parameter.form),
    })
}

fn in_header(field: &Field) -> Json {
    json!({
        "name": field.name,
        "in": "header",
        "description": field.about,
        "example": field.example,
        "schema": { "type": "string" },
    })
}

fn request_body(takes: Takes) -> Option<Json> {
    let (is_required, schema) = match takes {
        Takes::Nothing => return None,
        Takes::Patch => {
            let [merge, standard, extended] = super::docs::PATCH_TYPES;
            return Some(json!({ "required": true, "content": {
                merge: { "schema": reference("Document") },
                standard: { "schema": reference("JsonPatch") },
                extended: { "schema": reference("PatchOperations") },
            } }));
        }
        // No lines are nothing to do, and that is done.
        Takes::Lines(about) => return Some(json!({ "required": false, "content": lines(about) })),
        Takes::Document => (true, reference("Document")),
        Takes::Keys => (true, reference("Keys")),
        Takes::SeedSet => (true, reference("SeedSet")),
        Takes::Options => (false, reference("OptionChanges")),
    };
    Some(json!({ "required": is_required, "content": { "application/json": { "schema": schema } } }))
}

fn responses(family: Family, operation: &Operation, method: Method) -> Json {
    let mut responses: BTreeMap<String, Json> =
        operation.replies.iter().map(|reply| (reply.status.to_string(), response(reply, method))).collect();
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in operation.problems.iter().copied().flatten().chain(EVERYWHERE).chain(of_tokens(operation.needs)) {
        by_status.entry(kind.status()).or_default().push(*kind);
    }
    for (status, kinds) in by_status {
        responses.insert(status.to_string(), failure(family, &kinds, method));
    }
    json!(responses)
}

/// What can be wrong with a token.
fn of_tokens(needs: Needs) -> &'static [Kind] {
    if needs == Needs::Nothing { &[] } else { TOKENS }
}

fn response(reply: &Reply, method: Method) -> Json {
    let mut out = Map::new();
    out.insert("description".to_owned(), json!(reply.about));
    if !reply.fields.is_empty() {
        let fields: Map<String, Json> =
            reply.fields.iter().map(|name| ((*name).to_owned(), json!({ "schema": { "type": "string" } }))).collect();
        out.insert("headers".to_owned(), Json::Object(fields));
    }
    if method != Method::Head
        && let Some(content) = content(reply.content)
    {
        out.insert("content".to_owned(), content);
    }
    Json::Object(out)
}

fn content(content: Content) -> Option<Json> {
    let (kind, schema) = match content {
        Content::Nothing => return None,
        Content::Listing => {
            return Some(json!({
                "application/json": { "schema": reference("Document") },
                "application/x-ndjson": { "schema": { "type": "string" } },
            }));
        }
        Content::Lines(about) => return Some(lines(about)),
        Content::Changes => {
            return Some(json!({
                "application/x-ndjson": { "schema": { "type": "string" } },
                // OpenAPI 3.1 has no words for a sequence of events.
                "text/event-stream": {},
            }));
        }
        Content::Document => ("application/json", reference("Document")),
        Content::Object(name) => ("application/json", reference(name)),
        Content::Text => ("text/plain", json!({ "type": "string" })),
        Content::Bytes(about) => ("application/octet-stream", json!({ "description": about })),
        Content::Page => ("text/html", json!({ "type": "string" })),
    };
    Some(json!({ kind: { "schema": schema } }))
}

/// A line of JSON for each item.
fn lines(about: &str) -> Json {
    json!({ "application/x-ndjson": { "schema": { "type": "string", "description": about } } })
}

fn failure(family: Family, kinds: &[Kind], method: Method) -> Json {
    let titles: Vec<String> = kinds.iter().map(|kind| format!("{} ({})", kind.title(), kind.code())).collect();
    let description = titles.join("; ");
    if method == Method::Head {
        return json!({ "description": description });
    }
    let content = match family {
        Family::Seed => json!({ "application/json": { "schema": reference("Envelope") } }),
        Family::Resource | Family::System => {
            let codes: Vec<&str> = kinds.iter().map(|kind| kind.code()).collect();
            let schema = json!({
                "allOf": [reference("Problem")],
                "properties": { "code": { "enum": codes } },
            });
            json!({ "application/problem+json": { "schema": schema } })
        }
    };
    json!({ "description": description, "content": content })
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn strings<'j>(json: &'j Json, member: &str, found: &mut Vec<&'j str>) {
        match json {
            Json::Object(members) => {
                for (name, value) in members {
                    if let (true, Some(text)) = (name == member, value.as_str()) {
                        found.push(text);
                    }
                    strings(value, member, found);
                }
            }
            Json::Array(elements) => elements.iter().for_each(|element| strings(element, member, found)),
            _ => {}
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = document();
        let mut ids = Vec::new();
        strings(&document, "operationId", &mut ids);
        assert!(ids.len() > 30);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn every_schema_that_is_named_is_there_and_every_one_that_is_there_is_named() {
        let document = document();
        let mut references = Vec::new();
        strings(&document, "$ref", &mut references);
        let named: HashSet<&str> = references.iter().filter_map(|text| text.rsplit('/').next()).collect();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        assert_eq!(named, schemas.keys().map(String::as_str).collect());
    }

    #[test]
    fn every_path_parameter_stands_in_its_path_and_no_query_parameter_twice() {
        let document = document();
        for (path, item) in document["paths"].as_object().unwrap() {
            for parameter in item["parameters"].as_array().into_iter().flatten() {
                assert!(path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap())), "{path}");
            }
            assert_eq!(path.contains('{'), item["parameters"].is_array(), "{path}");
        }
    }
}
