//! JSON merge patch, RFC 7396.
//!
//! A member that is `null` in the patch is taken out, one that is an object is merged into what is there, any other is
//! put over it. Each object that the patch names is read once, however many of its members the patch has.

use memchr::memmem;

use super::fault::Cause;
use super::names::{Named, Names};
use super::scan::Brackets;
use super::tree::{NodeId, Tree};

/// Merges `patch`, without white space around it, into the whole document.
///
/// # Errors
/// `TooLarge`, `TooCostly`.
pub(super) fn merge<'t>(tree: &mut Tree<'t>, patch: &'t [u8]) -> Result<(), Cause> {
    // What is still to be merged into what. No recursion: a patch may be as deep as a document.
    let mut waiting = vec![(tree.root(), patch)];
    while let Some((id, patch)) = waiting.pop() {
        tree.charge(patch.len())?;
        match Names::of(patch) {
            Some(names) if tree.open(id)? == Some(Brackets::Object) => merge_members(tree, id, &names, &mut waiting)?,
            Some(names) if has_null(patch) => {
                tree.set_empty(id, Brackets::Object)?;
                merge_members(tree, id, &names, &mut waiting)?;
            }
            _ => {
                let value = tree.value(patch);
                tree.set(id, value)?;
            }
        }
    }
    Ok(())
}

/// Merges the members of the patch's object `names` into the object `id`; leaves in `waiting` what is to be merged
/// deeper inside.
fn merge_members<'t>(
    tree: &mut Tree<'t>,
    id: NodeId,
    names: &Names<'t>,
    waiting: &mut Vec<(NodeId, &'t [u8])>,
) -> Result<(), Cause> {
    let found = tree.members(id, names.len(), |written| names.position(written))?;
    let mut new: Vec<&Named<'t>> = Vec::new();
    let mut is_any_null = false;
    for (named, member) in names.iter().zip(found) {
        match member {
            Some(_) if is_null(named) => is_any_null = true,
            Some(member) => waiting.push((member, named.value)),
            None if !is_null(named) => new.push(named),
            None => {}
        }
    }
    if is_any_null {
        tree.cut_off(id, |written| names.get(written).is_some_and(is_null))?;
    }
    new.sort_by_key(|named| named.number);
    for named in new {
        let value = tree.value(named.value);
        tree.push_member(id, named.name, value)?;
        if Brackets::of(named.value) == Some(Brackets::Object) && has_null(named.value) {
            tree.set_empty(value, Brackets::Object)?;
            waiting.push((value, named.value));
        }
    }
    Ok(())
}

/// Whether there may be a member in `patch` that is null and so must be left out of what becomes of it. Without one its
/// own text is what becomes of it.
fn has_null(patch: &[u8]) -> bool {
    memmem::find(patch, b"null").is_some()
}

fn is_null(named: &Named<'_>) -> bool {
    named.value == b"null"
}
