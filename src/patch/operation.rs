//! The operations of a JSON Patch (RFC 6902) and of our own dialect, read from their text.
//!
//! All are read before the first is applied: whether a patch is one does not depend on the document. Members of an
//! operation that it does not need are ignored, as the RFC has it.

use crate::base::json::unescape;
use crate::base::limits::PATCH_OPERATIONS_MAX;

use super::arithmetic::Arithmetic;
use super::entries::Entries;
use super::fault::{Cause, Fault};
use super::pointer::Pointer;
use super::scan::Brackets;

/// Which operations there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The six of RFC 6902.
    Standard,
    /// Those, arithmetic, `append` and `prepend`.
    Extended,
}

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation<'t> {
    pub(super) path: Pointer<'t>,
    pub(super) action: Action<'t>,
}

/// What it does at its path. Values are as written, without white space around them.
#[derive(Clone, Debug)]
pub(super) enum Action<'t> {
    Add(&'t [u8]),
    Remove,
    Replace(&'t [u8]),
    Move { from: Pointer<'t> },
    Copy { from: Pointer<'t> },
    Test(&'t [u8]),
    Compute(Arithmetic, &'t [u8]),
    Append(&'t [u8]),
    Prepend(&'t [u8]),
}

/// The members of an operation that are known, as written; of two of one name the last.
#[derive(Default)]
struct Members<'t> {
    op: Option<&'t [u8]>,
    path: Option<&'t [u8]>,
    from: Option<&'t [u8]>,
    value: Option<&'t [u8]>,
}

/// The operations of `patch`, without white space around it, which must have passed `base::json::check`.
///
/// # Errors
/// Those of the first group in `Cause`, with the number of the operation.
pub(super) fn read(patch: &[u8], dialect: Dialect) -> Result<Vec<Operation<'_>>, Fault> {
    let array = Entries::of_value(patch).filter(|_| Brackets::of(patch) == Some(Brackets::Array));
    let array = array.ok_or(Cause::Malformed("the patch is not an array of operations").of_patch())?;
    let text = array.text();
    let mut operations = Vec::new();
    for (number, entry) in array.enumerate() {
        if number == PATCH_OPERATIONS_MAX {
            return Err(Cause::TooManyOperations { operations_max: PATCH_OPERATIONS_MAX }.of_patch());
        }
        let operation = text.get(entry.value).unwrap_or_default();
        operations.push(read_one(operation, dialect).map_err(|cause| cause.of_operation(number))?);
    }
    Ok(operations)
}

fn read_one(text: &[u8], dialect: Dialect) -> Result<Operation<'_>, Cause> {
    let members = Members::of(text)?;
    let op = members.op.ok_or(Cause::Malformed("the member \"op\" is missing"))?;
    let op = string(op).ok_or(Cause::Malformed("\"op\" is not a string"))?;
    let path = pointer(members.path.ok_or(Cause::Malformed("the member \"path\" is missing"))?)?;
    let value = || members.value.ok_or(Cause::Malformed("the member \"value\" is missing"));
    let from = || pointer(members.from.ok_or(Cause::Malformed("the member \"from\" is missing"))?);
    let compute = |arithmetic| {
        let value = value()?;
        let is_number = matches!(value.first(), Some(b'-' | b'0'..=b'9'));
        let action = is_number.then_some(Action::Compute(arithmetic, value));
        action.ok_or(Cause::Malformed("\"value\" is not a number"))
    };
    let action = match (&*op, dialect) {
        ("add", _) => Action::Add(value()?),
        ("remove", _) if path.is_whole() => {
            return Err(Cause::Malformed("the whole document cannot be removed by a patch; delete it"));
        }
        ("remove", _) => Action::Remove,
        ("replace", _) => Action::Replace(value()?),
        ("move", _) => {
            let from = from()?;
            if path.is_inside(&from) {
                return Err(Cause::Malformed("a value cannot be moved into itself"));
            }
            Action::Move { from }
        }
        ("copy", _) => Action::Copy { from: from()? },
        ("test", _) => Action::Test(value()?),
        ("inc", Dialect::Extended) => compute(Arithmetic::Increase)?,
        ("mul", Dialect::Extended) => compute(Arithmetic::Multiply)?,
        ("min", Dialect::Extended) => compute(Arithmetic::Minimum)?,
        ("max", Dialect::Extended) => compute(Arithmetic::Maximum)?,
        ("append", Dialect::Extended) => Action::Append(value()?),
        ("prepend", Dialect::Extended) => Action::Prepend(value()?),
        (_, Dialect::Extended) => {
            return Err(Cause::Malformed(
                "\"op\" is none of add, remove, replace, move, copy, test, inc, mul, min, max, append, prepend",
            ));
        }
        (_, Dialect::Standard) => {
            return Err(Cause::Malformed("\"op\" is none of add, remove, replace, move, copy, test"));
        }
    };
    Ok(Operation { path, action })
}

impl<'t> Members<'t> {
    fn of(text: &'t [u8]) -> Result<Members<'t>, Cause> {
        let entries = Entries::of_value(text).filter(|_| Brackets::of(text) == Some(Brackets::Object));
        let entries = entries.ok_or(Cause::Malformed("the operation is not an object"))?;
        let inner = entries.text();
        let mut members = Members::default();
        for entry in entries {
            let name = inner.get(entry.name).and_then(string);
            let slot = match name.as_deref() {
                Some("op") => &mut members.op,
                Some("path") => &mut members.path,
                Some("from") => &mut members.from,
                Some("value") => &mut members.value,
                _ => continue,
            };
            *slot = inner.get(entry.value);
        }
        Ok(members)
    }
}

/// The characters of the string `token`; `None` when it is another value, or no sequence of characters.
fn string(token: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    if token.first() == Some(&b'"') { unescape(token).ok() } else { None }
}

fn pointer(token: &[u8]) -> Result<Pointer<'_>, Cause> {
    let text = string(token).ok_or(Cause::Malformed("\"path\" and \"from\" are strings, without half surrogates"))?;
    Ok(Pointer::parse(text)?)
}
