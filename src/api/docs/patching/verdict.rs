//! What is wrong with a patch, as its sender is told.

use crate::patch::{Cause, Fault};

use super::super::super::problem::{Kind, Problem};

/// The problem that `fault` is: with the operation and the pointer, where it has them.
pub fn problem(fault: &Fault) -> Problem {
    let detail = fault.to_string();
    let mut problem = match fault.cause {
        Cause::Malformed(_) | Cause::Pointer(_) => Problem::new(Kind::PatchInvalid, detail),
        Cause::TooManyOperations { operations_max } => {
            Problem::new(Kind::PatchInvalid, detail).hint("send it in parts").size("limit", operations_max)
        }
        Cause::PathAbsent => Problem::new(Kind::PatchConflict, detail),
        Cause::TestFailed => Problem::new(Kind::PatchConflict, detail).hint("read the document again"),
        Cause::WrongType { .. } | Cause::NumberOverflow => Problem::new(Kind::PatchUnprocessable, detail),
        Cause::TooDeep { depth_max } => Problem::new(Kind::PatchUnprocessable, detail).size("limit", depth_max),
        Cause::TooCostly { bytes_max } => Problem::new(Kind::PatchUnprocessable, detail).size("limit_bytes", bytes_max),
        Cause::TooLarge { bytes_max } => Problem::new(Kind::DocumentTooLarge, detail)
            .hint("the option document_bytes_max sets the limit")
            .size("limit_bytes", bytes_max),
    };
    if let Some(operation) = fault.operation {
        problem = problem.size("operation", operation);
    }
    match &fault.pointer {
        Some(pointer) => problem.text("pointer", pointer),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::message::ResponseBody;
    use super::*;
    use crate::patch::{Kind as Dialect, apply};

    /// Status, code, and the members behind the detail.
    fn verdict(dialect: Dialect, document: &str, patch: &str, bytes_max: usize) -> (u16, String) {
        let fault = apply(dialect, document.as_bytes(), patch.as_bytes(), bytes_max).unwrap_err();
        let response = problem(&fault).into_response();
        let ResponseBody::Pieces(pieces) = response.body else { panic!("not pieces") };
        (response.status, String::from_utf8(pieces[0].bytes().to_vec()).unwrap())
    }

    #[test]
    fn each_fault_has_its_status_and_says_where_it_is() {
        let many = format!("[{}]", [r#"{"op":"remove","path":"/a"}"#; 1001].join(","));
        for (document, patch, status, parts) in [
            ("{}", "{}", 400, ["patch_invalid", "not an array"]),
            ("{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", 400, ["patch_invalid", "\"operation\":0"]),
            ("{}", &many, 400, ["patch_invalid", "\"limit\":1000"]),
            ("{}", "[{\"op\":\"remove\",\"path\":\"/a~1\\\"\"}]", 409, ["patch_conflict", "\"pointer\":\"/a~1\\\"\""]),
            ("{}", "[{\"op\":\"test\",\"path\":\"\",\"value\":1}]", 409, ["patch_conflict", "read the document again"]),
            ("[\"\"]", "[{\"op\":\"inc\",\"path\":\"/0\",\"value\":1}]", 422, ["patch_unprocessable", "a number"]),
            (
                "[1e308]",
                "[{\"op\":\"mul\",\"path\":\"/0\",\"value\":1e9}]",
                422,
                ["patch_unprocessable", "out of range"],
            ),
            (
                "[1]",
                "[{\"op\":\"add\",\"path\":\"/-\",\"value\":12345678}]",
                413,
                ["document_too_large", "\"limit_bytes\":9"],
            ),
        ] {
            let (found, text) = verdict(Dialect::Operations, document, patch, 9);
            assert_eq!(found, status, "{patch}: {text}");
            assert!(parts.iter().all(|part| text.contains(part)), "{patch}: {text}");
        }
        let deep =
            format!("[{{\"op\":\"add\",\"path\":\"/a/b/0\",\"value\":{}1{}}}]", "[".repeat(1022), "]".repeat(1022));
        let (found, text) = verdict(Dialect::JsonPatch, "{\"a\":{\"b\":[]}}", &deep, 1 << 20);
        assert!(found == 422 && text.contains("\"limit\":1024"), "{text}");
    }
}
