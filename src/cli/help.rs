//! The help, on one screen, and the version.

use crate::config::{OPTIONS, OptionSpec};

use super::exit::Finished;

const COMMANDS: &str = "\
usage: memory-tools [serve] [--config PATH] [--import-skip] [OPTION...]
       memory-tools --print-config    show each option's value and its origin
       memory-tools check-config      say whether the configuration is valid
       memory-tools check PATH        say whether a data folder or file is sound
       memory-tools health            ask a running server whether it is ready
       memory-tools --help, --version
";

const FOOT: &str = "\
defaults < ./config.json or --config PATH < MEMORY_TOOLS_PORT=... < --port ...
exit code: 0 done, 1 failed, 2 command line or configuration, 3 damaged data
try: curl -X PUT localhost:8080/v1/docs/hello -d '{\"hello\":\"world\"}'
";

/// Characters of the first of the two columns of options.
const COLUMN_WIDTH: usize = 38;

/// The help: how to call the program, and every option with its default.
pub fn help() -> Finished {
    let version = env!("CARGO_PKG_VERSION");
    let options = two_columns(&OPTIONS.iter().map(cell).collect::<Vec<_>>());
    Finished::done(format!(
        "memory-tools {version}: JSON documents in memory, served over HTTP\n\n{COMMANDS}\noptions, with their defaults:\n\
         {options}\n{FOOT}"
    ))
}

/// The version, as scripts read it.
pub fn version() -> Finished {
    Finished::done(concat!("memory-tools ", env!("CARGO_PKG_VERSION"), "\n"))
}

fn cell(option: &OptionSpec) -> String {
    let joint = if option.is_switch() { '=' } else { ' ' };
    format!("--{}{joint}{}", option.flag(), option.default)
}

/// `cells` in two columns, read downwards first.
fn two_columns(cells: &[String]) -> String {
    let (left, right) = cells.split_at(cells.len().div_ceil(2));
    let mut right = right.iter();
    let line = |cell: &String| {
        let line = format!("  {cell:COLUMN_WIDTH$}{}", right.next().map_or("", String::as_str));
        line.trim_end().to_owned() + "\n"
    };
    left.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_one_screen() {
        let text = help().stdout;
        assert!(text.lines().count() <= 24, "{} lines", text.lines().count());
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn the_help_lists_every_option_with_its_default() {
        let text = help().stdout;
        for option in OPTIONS {
            assert!(text.contains(&cell(option)), "{}", option.name);
        }
    }

    #[test]
    fn an_odd_number_of_cells_leaves_the_last_place_empty() {
        let cells = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(two_columns(&cells), format!("  a{}c\n  b\n", " ".repeat(COLUMN_WIDTH - 1)));
    }
}
