//! Every mistake that can be planted is noticed by the test that the table in `tests/README.md` names.
//!
//! The executables of the other tests lie beside this one. Each row runs one test of one of them in a process of its
//! own: it passes as it is, and fails with the fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use memory_tools::base::fault::Fault;

/// The variable that plants a fault.
const VARIABLE: &str = "MEMORY_TOOLS_FAULT";

const TABLE: &str = include_str!("README.md");

/// Fault, and the target and the test that notice it, as the table has them.
fn rows() -> Vec<(Fault, &'static str, &'static str)> {
    let rows = TABLE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    rows.filter_map(|(name, rest)| {
        let fault = Fault::ALL.iter().find(|fault| fault.name() == name)?;
        let (target, test) = rest.split('`').nth(1)?.split_once("::")?;
        Some((*fault, target, test))
    })
    .collect()
}

/// The newest executable of the test target `target`.
fn executable(target: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    let beside = fs::read_dir(own.parent().expect("a folder")).expect("a listing").filter_map(Result::ok);
    let is_of_target = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.rsplit_once('-').is_some_and(|(stem, hash)| stem == target && !hash.contains('.'))
    };
    let found = beside.map(|entry| entry.path()).filter(is_of_target);
    let newest = found.max_by_key(|path| fs::metadata(path).and_then(|it| it.modified()).ok());
    newest.unwrap_or_else(|| panic!("{target} is not built: run all tests with this feature"))
}

/// Whether `test` passes with `fault`, and what it said.
fn passes(target: &str, test: &str, fault: Option<Fault>) -> (bool, String) {
    let mut command = Command::new(executable(target));
    command.args(["--exact", test]).env_remove(VARIABLE).envs(fault.map(|fault| (VARIABLE, fault.name())));
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("running 1 test\n"), "{target} has no test {test}");
    (output.status.success(), said)
}

#[test]
fn the_table_has_each_fault_once() {
    let listed: Vec<&str> = rows().iter().map(|(fault, ..)| fault.name()).collect();
    let all: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    assert_eq!(listed, all);
}

#[test]
fn each_fault_is_noticed_by_its_test() {
    let tests: BTreeSet<(&str, &str)> = rows().into_iter().map(|(_, target, test)| (target, test)).collect();
    let mut failing = BTreeMap::new();
    for (target, test) in tests {
        let (passed, said) = passes(target, test, None);
        if !passed {
            failing.insert(test.to_owned(), said);
        }
    }
    assert!(failing.is_empty(), "these fail without a fault: {failing:#?}");
    let unnoticed: Vec<_> =
        rows().into_iter().filter(|(fault, target, test)| passes(target, test, Some(*fault)).0).collect();
    assert!(unnoticed.is_empty(), "nobody noticed {unnoticed:?}");
}
