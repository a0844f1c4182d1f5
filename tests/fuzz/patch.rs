//! Patches on documents, in each dialect: the result is JSON within the limit, and what json-patch makes of them where
//! both make something.
//!
//! The first line is the dialect and the limit; then come the document, a line of four equals signs, and the patch:
//!
//! ```text
//!   standard 200
//!   {"a":1}
//!   ====
//!   [{"op":"add","path":"/b","value":2}]
//! ```

use json_patch::Patch;
use memory_tools::base::json;
use memory_tools::base::limits::JSON_DEPTH_MAX;
use memory_tools::patch::{self, Kind};
use serde_json::Value;

/// Patches the document that `input` has, whatever it is.
///
/// # Panics
/// When the result is none that may be.
pub fn check(input: &[u8]) {
    let Some((kind, bytes_max, document, patch)) = read(input) else { return };
    // Also what is not JSON: nothing panics.
    let result = patch::apply(kind, document, patch, bytes_max);
    let is_json = |text| json::check(text, JSON_DEPTH_MAX).is_ok();
    if !is_json(document) || !is_json(patch) {
        return;
    }
    let Ok(result) = result else { return };
    let said = || format!("{} on {}", patch.escape_ascii(), document.escape_ascii());
    assert!(result.len() <= bytes_max, "{} bytes: {}", result.len(), said());
    assert!(is_json(&result), "{} is not JSON: {}", result.escape_ascii(), said());
    assert_eq!(json::trim(&result), result, "white space around it: {}", said());
    if let Some(expected) = expected(kind, document, patch) {
        // Two texts that serde_json reads may become one that is too deep for it.
        if let Ok(result) = serde_json::from_slice::<Value>(&result) {
            assert_eq!(result, expected, "{}", said());
        }
    }
}

fn read(input: &[u8]) -> Option<(Kind, usize, &[u8], &[u8])> {
    const BETWEEN: &[u8] = b"\n====\n";
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let (name, bytes_max) = std::str::from_utf8(&input[..end]).ok()?.split_once(' ')?;
    let kind = match name {
        "merge" => Kind::Merge,
        "standard" => Kind::JsonPatch,
        "operations" => Kind::Operations,
        _ => return None,
    };
    let rest = &input[end + 1..];
    let at = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN)?;
    Some((kind, bytes_max.parse().ok()?, &rest[..at], &rest[at + BETWEEN.len()..]))
}

/// What json-patch makes of it; `None` where it cannot, or will not.
fn expected(kind: Kind, document: &[u8], patch: &[u8]) -> Option<Value> {
    let mut document: Value = serde_json::from_slice(document).ok()?;
    match kind {
        Kind::Merge => json_patch::merge(&mut document, &serde_json::from_slice(patch).ok()?),
        // It knows nothing of our own operations, and refuses patches that have any.
        Kind::JsonPatch | Kind::Operations => {
            json_patch::patch(&mut document, &serde_json::from_slice::<Patch>(patch).ok()?).ok()?;
        }
    }
    Some(document)
}
