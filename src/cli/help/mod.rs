//! The help, on one screen: of the program with its options, and of each command; and the version.

mod page;
mod pages;

use crate::config::{OPTIONS, OptionSpec};

use super::exit::Finished;
pub use page::Page;
pub use pages::PAGES;

const COMMANDS: &str = "\
usage: memory-tools [--config PATH] [--import-skip] [--print-config] [OPTION...]
       memory-tools serve|check-config|health|doctor|man|completions|help
       memory-tools check|dump|repair PATH, restore FILE, token new   of folders
       memory-tools get|put|patch|del|ls|watch|top|export|import|backup
";

/// Over the options: what wins over their defaults.
const SOURCES: &str = "options: defaults < config.json, --config PATH < MEMORY_TOOLS_PORT=... < --port\n";

const FOOT: &str = "\
exit code: 0 done, 1 failed, 2 command line or configuration, 3 damaged data
try: curl -X PUT localhost:8080/v1/docs/hello -d '{\"hello\":\"world\"}'
";

/// Characters of a line, so that the help fits a terminal that nobody has widened.
const LINE_WIDTH: usize = 80;

/// The help: how to call the program, and every option with its default.
pub fn help() -> Finished {
    let version = env!("CARGO_PKG_VERSION");
    let options = wrapped(OPTIONS.iter().map(cell));
    Finished::done(format!(
        "memory-tools {version}: JSON documents in memory, served over HTTP\n{COMMANDS}{SOURCES}{options}{FOOT}"
    ))
}

/// The help of `command`; `None` when there is no such command.
pub fn help_of(command: &str) -> Option<Finished> {
    PAGES.iter().find(|page| page.command == command).map(|page| Finished::done(page.text()))
}

/// Every command that has a page.
pub fn commands() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|page| page.command)
}

/// The version, as scripts read it.
pub fn version() -> Finished {
    Finished::done(concat!("memory-tools ", env!("CARGO_PKG_VERSION"), "\n"))
}

/// The flag of an option with its default, as it can be typed.
fn cell(option: &OptionSpec) -> String {
    let joint = if option.is_switch() { '=' } else { ' ' };
    let default = if option.default.is_empty() { "\"\"" } else { option.default };
    format!("--{}{joint}{default}", option.flag())
}

/// `cells` behind one another, as many on a line as fit.
fn wrapped(cells: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    let mut width = 0;
    for cell in cells {
        let taken = 2 + cell.chars().count();
        if width > 0 && width + taken > LINE_WIDTH {
            text.push('\n');
            width = 0;
        }
        text.push_str("  ");
        text.push_str(&cell);
        width += taken;
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With some fifty options it is no longer the screen of 1978.
    const SCREEN_LINES: usize = 32;

    #[test]
    fn the_help_fits_one_screen() {
        let text = help().stdout;
        assert!(text.lines().count() <= SCREEN_LINES, "{} lines", text.lines().count());
        for line in text.lines() {
            assert!(line.chars().count() <= LINE_WIDTH, "{line}");
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
    fn a_line_takes_what_fits_and_no_more() {
        let cells = ["a".repeat(38), "b".repeat(38), "c".to_owned(), "d".repeat(90)];
        let [a, b, c, d] = &cells;
        assert_eq!(wrapped(cells.iter().cloned()), format!("  {a}  {b}\n  {c}\n  {d}\n"));
    }
}
