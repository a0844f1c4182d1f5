//! What can be wrong with a patch, or with what it would do to a document.

use std::fmt;

use super::pointer::PointerError;

/// Why a patch was not applied: the cause, and the place in the patch where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub cause: Cause,
    /// The number of the operation, from 0; `None` when it is the patch as a whole, and for a merge patch.
    pub operation: Option<usize>,
    /// What the operation could not do its work on, as a JSON pointer.
    pub pointer: Option<String>,
}

/// What is wrong, in three groups: the patch, whatever the document is; the document, which is not as the patch expects
/// it; and the result, which is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The patch: it is JSON, but not a patch of its kind.
    #[error("{0}")]
    Malformed(&'static str),
    /// The patch: a text in it is not a JSON pointer.
    #[error(transparent)]
    Pointer(#[from] PointerError),
    /// The patch: it has too many operations.
    #[error("at most {operations_max} operations are accepted in a patch")]
    TooManyOperations {
        /// How many are accepted.
        operations_max: usize,
    },

    /// The document: there is no value where one is needed.
    #[error("there is no such value in the document")]
    PathAbsent,
    /// The document: a value is not the one that `test` names.
    #[error("the value is not the one that is tested for")]
    TestFailed,

    /// The result: the operation is for values of another type.
    #[error("the value is not {expected}")]
    WrongType {
        /// What the operation works on: "a number".
        expected: &'static str,
    },
    /// The result: a number that cannot be computed, because it lies beyond the exact integers or beyond a double.
    #[error("the number is out of range: integers of 128 bits, others below 1.8e308")]
    NumberOverflow,
    /// The result: too many bytes, at the end or in between.
    #[error("the patched document would have more than {bytes_max} bytes")]
    TooLarge {
        /// How many are accepted.
        bytes_max: usize,
    },
    /// The result: arrays and objects too deep inside one another.
    #[error("the patched document would be nested deeper than {depth_max} levels")]
    TooDeep {
        /// How deep is accepted.
        depth_max: usize,
    },
    /// The result: it would take too much reading and copying to get there.
    #[error("the patch would read and copy more than {bytes_max} bytes; send it in parts")]
    TooCostly {
        /// How many are accepted.
        bytes_max: usize,
    },
}

impl Cause {
    /// The fault of a patch as a whole.
    pub(super) fn of_patch(self) -> Fault {
        Fault { cause: self, operation: None, pointer: None }
    }

    /// The fault of operation number `operation`.
    pub(super) fn of_operation(self, operation: usize) -> Fault {
        Fault { cause: self, operation: Some(operation), pointer: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation {
            write!(f, "operation {operation}")?;
            if let Some(pointer) = &self.pointer {
                write!(f, " at \"{pointer}\"")?;
            }
            f.write_str(": ")?;
        }
        self.cause.fmt(f)
    }
}

impl std::error::Error for Fault {}
