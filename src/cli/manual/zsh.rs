//! Completions for zsh: a function of its completion system, with what each flag says.

use super::super::help::Page;
use super::{Shell, Value, flags};

/// The script that zsh reads, as `_memory-tools` in a folder of its fpath.
pub fn script(pages: &[Page]) -> String {
    let listed: String =
        pages.iter().map(|page| format!("        '{}:{}'\n", page.command, plain(page.summary))).collect();
    let names: Vec<&str> = pages.iter().map(|page| page.command).collect();
    let shells = Shell::ALL.map(|(name, _)| name).join(" ");
    let branches: String = pages.iter().map(branch).collect();
    format!(
        "#compdef memory-tools\n\
         # Completions of memory-tools for zsh.\n\
         _memory_tools() {{\n\
         \x20   local -a commands\n\
         \x20   commands=(\n{listed}    )\n\
         \x20   local command=serve\n\
         \x20   (( ${{words[(I)({})]}} )) && command=${{words[(r)({})]}}\n\
         \x20   if (( CURRENT == 2 )) && [[ ${{words[CURRENT]}} != -* ]]; then\n\
         \x20       _describe command commands\n\
         \x20       return\n\
         \x20   fi\n\
         \x20   if [[ $command == completions && ${{words[CURRENT]}} != -* ]]; then\n\
         \x20       compadd {shells}\n\
         \x20       return\n\
         \x20   fi\n\
         \x20   case $command in\n{branches}    esac\n\
         }}\n\
         _memory_tools \"$@\"\n",
        names.join("|"),
        names.join("|")
    )
}

fn branch(page: &Page) -> String {
    let specs: Vec<String> = flags(page)
        .into_iter()
        .map(|flag| {
            let value = match flag.value {
                Value::None => String::new(),
                Value::Path => ":path:_files".to_owned(),
                Value::Words(words) => format!(":word:({})", words.join(" ")),
                Value::Any => ":value: ".to_owned(),
            };
            format!("'--{}[{}]{value}'", flag.name, plain(&flag.says))
        })
        .collect();
    format!("        {}) _arguments {} '*:file:_files' ;;\n", page.command, specs.join(" "))
}

/// `text` without what means something to zsh within a specification between quotes.
fn plain(text: &str) -> String {
    let replaced = |character| match character {
        '[' | ']' | ':' | '\\' => ' ',
        '\'' => '"',
        other => other,
    };
    text.chars().map(replaced).collect()
}
