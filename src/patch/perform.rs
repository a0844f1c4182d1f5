//! Applying operations to a document, one behind the other, all or nothing.

use super::arithmetic::Arithmetic;
use super::equal::equal;
use super::fault::{Cause, Fault};
use super::operation::{Action, Operation};
use super::pointer::Pointer;
use super::scan::{self, Brackets};
use super::tree::{NodeId, Tree};

/// Nesting around a value in the text of a patch: the array of operations, and the operation.
const DEPTH_OF_VALUES: usize = 2;

/// Applies `operations` in their order.
///
/// # Errors
/// What the first says that cannot be applied, with its number and the pointer that it failed at.
pub(super) fn perform<'t>(tree: &mut Tree<'t>, operations: &[Operation<'t>]) -> Result<(), Fault> {
    for (number, operation) in operations.iter().enumerate() {
        perform_one(tree, operation)
            .map_err(|(cause, pointer)| Fault { pointer: Some(pointer.to_string()), ..cause.of_operation(number) })?;
    }
    Ok(())
}

fn perform_one<'t, 'o>(tree: &mut Tree<'t>, operation: &'o Operation<'t>) -> Result<(), (Cause, &'o Pointer<'t>)> {
    let path = &operation.path;
    let at_path = |cause| (cause, path);
    match &operation.action {
        Action::Add(value) => add(tree, path, value).map_err(at_path),
        Action::Remove => tree.remove(path).map_err(at_path),
        Action::Replace(value) => replace(tree, path, value).map_err(at_path),
        Action::Test(value) => test(tree, path, value).map_err(at_path),
        Action::Compute(arithmetic, operand) => compute(tree, path, *arithmetic, operand).map_err(at_path),
        Action::Append(value) => extend(tree, path, value, Tree::push_element).map_err(at_path),
        Action::Prepend(value) => extend(tree, path, value, Tree::unshift_element).map_err(at_path),
        Action::Copy { from } => {
            let source = find(tree, from).map_err(|cause| (cause, from))?;
            let value = tree.copy(source).map_err(|cause| (cause, from))?;
            place(tree, path, value, from).map_err(at_path)
        }
        Action::Move { from } => {
            let value = find(tree, from).map_err(|cause| (cause, from))?;
            if from == path {
                return Ok(());
            }
            tree.remove(from).map_err(|cause| (cause, from))?;
            place(tree, path, value, from).map_err(at_path)
        }
    }
}

fn find(tree: &mut Tree<'_>, path: &Pointer<'_>) -> Result<NodeId, Cause> {
    tree.find(path)?.ok_or(Cause::PathAbsent)
}

fn add<'t>(tree: &mut Tree<'t>, path: &Pointer<'_>, text: &'t [u8]) -> Result<(), Cause> {
    let value = tree.value(text);
    check_depth(tree, value, path.tokens().count())?;
    tree.add(path, value)
}

fn replace<'t>(tree: &mut Tree<'t>, path: &Pointer<'_>, text: &'t [u8]) -> Result<(), Cause> {
    let value = tree.value(text);
    check_depth(tree, value, path.tokens().count())?;
    let current = find(tree, path)?;
    tree.set(current, value)
}

/// Puts a value that was at `from` to where `path` says.
fn place(tree: &mut Tree<'_>, path: &Pointer<'_>, value: NodeId, from: &Pointer<'_>) -> Result<(), Cause> {
    // Where it was, it was not too deep.
    let depth = path.tokens().count();
    if depth > from.tokens().count() {
        tree.check_depth(value, depth)?;
    }
    tree.add(path, value)
}

/// Makes sure that a value of the patch can stand inside `depth` arrays and objects.
fn check_depth(tree: &mut Tree<'_>, value: NodeId, depth: usize) -> Result<(), Cause> {
    // In the patch it was not too deep.
    if depth <= DEPTH_OF_VALUES { Ok(()) } else { tree.check_depth(value, depth) }
}

fn test(tree: &mut Tree<'_>, path: &Pointer<'_>, value: &[u8]) -> Result<(), Cause> {
    let current = find(tree, path)?;
    let bytes = tree.size(current)?.saturating_add(value.len());
    tree.charge(bytes.saturating_mul(1 + scan::height(value)))?;
    let is_equal = match tree.text(current) {
        Some(text) => equal(text, value),
        None => equal(&tree.written(current)?, value),
    };
    if is_equal { Ok(()) } else { Err(Cause::TestFailed) }
}

fn compute<'t>(
    tree: &mut Tree<'t>,
    path: &Pointer<'_>,
    arithmetic: Arithmetic,
    operand: &'t [u8],
) -> Result<(), Cause> {
    let Some(current) = tree.find(path)? else {
        let result = arithmetic.of_absent(operand)?;
        let value = tree.value(operand);
        tree.set_text(value, result.as_bytes())?;
        return add_member(tree, path, value);
    };
    let number = tree.text(current).filter(|text| matches!(text.first(), Some(b'-' | b'0'..=b'9')));
    let number = number.ok_or(Cause::WrongType { expected: "a number" })?;
    match arithmetic.compute(number, operand)? {
        Some(result) => tree.set_text(current, result.as_bytes()),
        None => Ok(()),
    }
}

/// Puts a value into an array at one of its ends. An absent array is made.
fn extend<'t>(
    tree: &mut Tree<'t>,
    path: &Pointer<'_>,
    text: &'t [u8],
    insert: impl Fn(&mut Tree<'t>, NodeId, NodeId) -> Result<(), Cause>,
) -> Result<(), Cause> {
    let value = tree.value(text);
    check_depth(tree, value, path.tokens().count() + 1)?;
    let array = match tree.find(path)? {
        Some(array) if tree.open(array)? == Some(Brackets::Array) => array,
        Some(_) => return Err(Cause::WrongType { expected: "an array" }),
        None => {
            let array = tree.value(b"[]");
            tree.open(array)?;
            insert(tree, array, value)?;
            return add_member(tree, path, array);
        }
    };
    insert(tree, array, value)
}

/// Adds a member that is absent. An element never is: operations that make what they need do not grow an array.
fn add_member(tree: &mut Tree<'_>, path: &Pointer<'_>, value: NodeId) -> Result<(), Cause> {
    if tree.is_in_object(path)? { tree.add(path, value) } else { Err(Cause::PathAbsent) }
}
