//! Completions for fish: a line for each command and each flag.

use super::super::help::Page;
use super::{Shell, Value, flags, takes_options};

/// The script that fish reads.
pub fn script(pages: &[Page]) -> String {
    let mut text = String::from("# Completions of memory-tools for fish.\n");
    for page in pages {
        text.push_str(&format!(
            "complete -c memory-tools -n __fish_use_subcommand -a {} -d {}\n",
            page.command,
            quoted(page.summary)
        ));
    }
    let shells = Shell::ALL.map(|(name, _)| name).join(" ");
    text.push_str(&format!("complete -c memory-tools -n '__fish_seen_subcommand_from completions' -f -a '{shells}'\n"));
    // What serves without a command has no word of its own: it is where none of the others is.
    let others: Vec<&str> = pages.iter().filter(|page| page.command != "serve").map(|page| page.command).collect();
    let serves = format!("'not __fish_seen_subcommand_from {}'", others.join(" "));
    for page in pages {
        let seen = match page.command {
            "serve" if takes_options(page) => serves.clone(),
            command => format!("'__fish_seen_subcommand_from {command}'"),
        };
        for flag in flags(page) {
            let value = match flag.value {
                Value::None => String::new(),
                Value::Path => "-r -F ".to_owned(),
                Value::Words(words) => format!("-x -a '{}' ", words.join(" ")),
                Value::Any => "-x ".to_owned(),
            };
            text.push_str(&format!(
                "complete -c memory-tools -n {seen} -l {} {value}-d {}\n",
                flag.name,
                quoted(&flag.says)
            ));
        }
    }
    text
}

/// `text` between the quotes of fish.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
