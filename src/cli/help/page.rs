//! The help of one command: the same parts in the same order for each, and no longer than a screen.

use super::LINE_WIDTH;

/// What there is to say of a command.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its name.
    pub command: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// How it is called, behind the program's name.
    pub usage: &'static [&'static str],
    /// What else there is to know.
    pub about: &'static str,
    /// Its flags, as they are written, and what they say.
    pub flags: &'static [(&'static str, &'static str)],
    /// Lines that can be typed.
    pub examples: &'static [&'static str],
    /// What its exit codes mean.
    pub exits: &'static [(u8, &'static str)],
    /// The variables that it reads.
    pub environment: &'static str,
}

impl Page {
    /// The page as it is printed.
    pub fn text(&self) -> String {
        let mut text = format!("memory-tools {}: {}\n", self.command, self.summary);
        for (number, usage) in self.usage.iter().enumerate() {
            let lead = if number == 0 { "usage: " } else { "       " };
            text.push_str(&format!("{lead}memory-tools {usage}\n"));
        }
        if !self.about.is_empty() {
            text.push_str(&format!("\n{}\n", self.about));
        }
        if !self.flags.is_empty() {
            text.push('\n');
        }
        let width = self.flags.iter().map(|(flag, _)| flag.len()).max().unwrap_or_default();
        for (flag, says) in self.flags {
            text.push_str(&format!("  {flag:width$}  {says}\n"));
        }
        text.push_str("\nexamples:\n");
        for example in self.examples {
            text.push_str(&format!("  {example}\n"));
        }
        text.push_str("exit code:");
        let mut width = "exit code:".len();
        for (number, (code, means)) in self.exits.iter().enumerate() {
            let behind = if number + 1 < self.exits.len() { "," } else { "" };
            let item = format!(" {code} {means}{behind}");
            if width + item.len() > LINE_WIDTH {
                text.push_str("\n          ");
                width = "          ".len();
            }
            width += item.len();
            text.push_str(&item);
        }
        text + &format!("\nenvironment: {}\n", self.environment)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::arguments::parse;
    use super::super::super::exit::Exit;
    use super::super::{LINE_WIDTH, PAGES};

    #[test]
    fn each_page_fits_a_screen_and_has_every_part() {
        for page in PAGES {
            let text = page.text();
            assert!(text.lines().count() <= 24, "{text}");
            for line in text.lines() {
                assert!(line.chars().count() <= LINE_WIDTH, "{line}");
            }
            for part in ["\nusage: memory-tools ", "\nexamples:\n  memory-tools", "\nexit code: 0 ", "\nenvironment: "]
            {
                assert!(text.contains(part), "{part} {text}");
            }
        }
    }

    /// What the usage shows in brackets can be typed, and what the flags say is in the usage or common to many.
    #[test]
    fn each_flag_of_a_page_is_one_that_its_command_takes() {
        for page in PAGES {
            for (flag, _) in page.flags {
                let mut words = flag.split([' ', ',']).filter(|word| !word.is_empty());
                let name = words.find(|word| word.starts_with("--")).expect("a long flag");
                let command = match page.command {
                    "serve" => Vec::new(),
                    "token" => vec!["token", "new", "--role", "read"],
                    "restore" => vec!["restore", "f", "--data-dir", "d"],
                    "backup" => vec!["backup", "--to", "f"],
                    command => vec![command],
                };
                let key = if matches!(page.command, "get" | "put" | "patch" | "del" | "repair" | "import") {
                    vec!["k"]
                } else {
                    Vec::new()
                };
                let value = words.next().map(|_| match name {
                    "--type" => "ops",
                    "--role" => "write",
                    "--interval" => "5s",
                    "--count" => "7",
                    _ => "v",
                });
                let beside = match name {
                    "--values" => vec!["--json"],
                    "--continue" => vec!["--output", "f"],
                    _ => Vec::new(),
                };
                let line = [command, key, vec![name], value.into_iter().collect(), beside].concat();
                assert!(parse(&line).is_ok(), "{line:?}: {:?}", parse(&line));
            }
        }
    }

    #[test]
    fn the_exit_codes_are_those_that_there_are() {
        let known = [Exit::Done, Exit::Failed, Exit::Usage, Exit::Damaged, Exit::Unreachable].map(Exit::code);
        for page in PAGES {
            let codes: Vec<u8> = page.exits.iter().map(|(code, _)| *code).collect();
            assert!(codes.is_sorted() && codes.iter().all(|code| known.contains(code)), "{}: {codes:?}", page.command);
        }
    }
}
