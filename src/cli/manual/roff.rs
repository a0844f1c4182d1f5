//! The manual page in the macros of man(7).

use super::super::help::Page;
use crate::config::OptionSpec;

/// The page of section 1.
pub fn page(pages: &[Page], options: &[OptionSpec]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(".TH MEMORY-TOOLS 1 \"\" \"memory-tools {version}\" \"User Commands\"\n");
    text.push_str(".SH NAME\nmemory\\-tools \\- JSON documents in memory, served over HTTP\n.SH SYNOPSIS\n");
    for usage in pages.iter().flat_map(|page| page.usage) {
        text.push_str(&format!(".B memory\\-tools\n{}\n.br\n", plain(usage)));
    }
    text.push_str(
        ".SH DESCRIPTION\nWithout a command it serves documents over HTTP. \
         Every option may stand in a file, in the environment and on the command line; later sources win, in this \
         order.\n.SH COMMANDS\n",
    );
    pages.iter().for_each(|page| command(page, &mut text));
    text.push_str(".SH OPTIONS\nOf the commands that take them, which are those of the server.\n");
    options.iter().for_each(|option| of_option(option, &mut text));
    text.push_str(".SH SEE ALSO\n.BR curl (1),\n.BR systemctl (1)\n");
    text
}

fn command(page: &Page, text: &mut String) {
    text.push_str(&format!(".SS {}\n{}.\n", plain(page.command), plain(page.summary)));
    for usage in page.usage {
        text.push_str(&format!(".PP\n.B memory\\-tools\n{}\n", plain(usage)));
    }
    if !page.about.is_empty() {
        text.push_str(&format!(".PP\n{}\n", plain(page.about)));
    }
    for (flag, says) in page.flags {
        text.push_str(&format!(".TP\n.B {}\n{}\n", plain(flag), plain(says)));
    }
    text.push_str(".PP\nExamples:\n.PP\n.nf\n");
    page.examples.iter().for_each(|example| text.push_str(&format!("{}\n", plain(example))));
    let exits: Vec<String> = page.exits.iter().map(|(code, means)| format!("{code} {means}")).collect();
    text.push_str(&format!(".fi\n.PP\nExit code: {}.\n", plain(&exits.join(", "))));
    text.push_str(&format!(".PP\nEnvironment: {}.\n", plain(page.environment)));
}

fn of_option(option: &OptionSpec, text: &mut String) {
    let default = if option.default.is_empty() { "empty" } else { option.default };
    text.push_str(&format!(
        ".TP\n.BR \\-\\-{} \" ({}, \" {} )\n{}\n{}\nIf unsure: {}\nDefault: {}.\n",
        plain(&option.flag()),
        plain(option.unit),
        plain(&option.variable()),
        plain(option.meaning),
        plain(option.cost),
        plain(option.if_unsure),
        plain(default)
    ));
}

/// `text` as it is to be read: no character of it is a request or an escape.
fn plain(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('"', "\\(dq");
    let lines = text.lines().map(|line| if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}
