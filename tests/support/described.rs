//! Holds answers against `/openapi.json`: whatever is answered must be described there.

use std::sync::OnceLock;

use memory_tools::api;
use serde_json::Value;

use super::reply::Reply;

static DESCRIPTION: OnceLock<Value> = OnceLock::new();

/// Codes that any path and any method can get, described or not.
const OF_NO_OPERATION: [&str; 3] = ["route_not_found", "method_not_allowed", "method_unknown"];

/// Says what of `reply` is not described: its status, its code, its type, or one of its fields.
pub fn check(method: &str, target: &str, reply: &Reply) -> Result<(), String> {
    let description =
        DESCRIPTION.get_or_init(|| serde_json::from_slice(api::description()).expect("the description is JSON"));
    let path = target.split('?').next().unwrap_or_default();
    if method == "OPTIONS" || OF_NO_OPERATION.contains(&code(reply).as_str()) || matches!(reply.status, 405 | 501) {
        return Ok(());
    }
    let Some((template, item)) = item_of(description, path) else {
        return if reply.status == 404 { Ok(()) } else { Err(format!("{path} is not described")) };
    };
    let operation = &item[method.to_ascii_lowercase()];
    if operation.is_null() {
        return Err(format!("{method} is not described for {template}"));
    }
    let response = &operation["responses"][reply.status.to_string()];
    if response.is_null() {
        return Err(format!("{} is not described for {method} {template}", reply.status));
    }
    if reply.body.is_empty() {
        return Ok(());
    }
    let content_type = reply.header("Content-Type").unwrap_or_default();
    let content = &response["content"][content_type.split(';').next().unwrap_or_default()];
    if content.is_null() {
        return Err(format!("the type {content_type:?} is not described for {method} {template}"));
    }
    let codes = &content["schema"]["properties"]["code"]["enum"];
    let is_known = codes.as_array().is_none_or(|codes| codes.iter().any(|known| *known == *code(reply)));
    if is_known { Ok(()) } else { Err(format!("the code is not described for {method} {template}")) }
}

/// The code of a problem; empty for any other body.
fn code(reply: &Reply) -> String {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    body["code"].as_str().unwrap_or_default().to_owned()
}

/// The path item whose template fits: the most exact one, which has the fewest parameters.
fn item_of<'d>(description: &'d Value, path: &str) -> Option<(&'d str, &'d Value)> {
    let paths = description["paths"].as_object()?;
    let fitting = paths.iter().filter(|(template, _)| fits(template, path));
    fitting.min_by_key(|(template, _)| template.matches('{').count()).map(|(template, item)| (template.as_str(), item))
}

/// True when `path` is an instance of `template`; a key is the whole rest.
fn fits(template: &str, path: &str) -> bool {
    let Some((literal, parameter)) = template.split_once('{') else { return template == path };
    let Some(rest) = path.strip_prefix(literal) else { return false };
    match parameter.split_once('}') {
        Some(("key", "")) => true,
        Some((_, behind)) => {
            let (_, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            fits(behind, rest)
        }
        None => false,
    }
}
