//! Completions for bash: one function, which needs nothing but compgen.

use super::super::help::Page;
use super::{Flag, Shell, Value, flags};

/// The script that bash reads.
pub fn script(pages: &[Page]) -> String {
    let commands: Vec<&str> = pages.iter().map(|page| page.command).chain(["help", "version"]).collect();
    let (names, either) = (commands.join(" "), commands.join("|"));
    let shells = Shell::ALL.map(|(name, _)| name).join(" ");
    let of_commands: String = pages.iter().map(branch).collect();
    format!(
        "# Completions of memory-tools for bash.\n\
         _memory_tools() {{\n\
         \x20   local current=\"${{COMP_WORDS[COMP_CWORD]}}\" previous=\"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
         \x20   local command='' flags='' paths='' words='' word\n\
         \x20   for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n\
         \x20       case \"$word\" in {either}) command=\"$word\"; break ;; esac\n\
         \x20   done\n\
         \x20   case \"${{command:-serve}}\" in\n\
         {of_commands}\
         \x20       help) COMPREPLY=($(compgen -W '{names}' -- \"$current\")); return ;;\n\
         \x20   esac\n\
         \x20   case \" $paths \" in *\" $previous \"*) COMPREPLY=($(compgen -f -- \"$current\")); return ;; esac\n\
         \x20   if [ -n \"$words\" ]; then\n\
         \x20       COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n\
         \x20   elif [ \"$command\" = completions ] && [ \"${{current#-}}\" = \"$current\" ]; then\n\
         \x20       COMPREPLY=($(compgen -W '{shells}' -- \"$current\"))\n\
         \x20   elif [ \"${{current#-}}\" != \"$current\" ]; then\n\
         \x20       COMPREPLY=($(compgen -W \"$flags\" -- \"$current\"))\n\
         \x20   elif [ -z \"$command\" ]; then\n\
         \x20       COMPREPLY=($(compgen -W '{names}' -- \"$current\"))\n\
         \x20   else\n\
         \x20       COMPREPLY=($(compgen -f -- \"$current\"))\n\
         \x20   fi\n\
         }}\n\
         complete -F _memory_tools memory-tools\n"
    )
}

/// What a command has to offer.
fn branch(page: &Page) -> String {
    let flags = flags(page);
    let named = |is_wanted: &dyn Fn(&Flag) -> bool| -> String {
        let names = flags.iter().filter(|flag| is_wanted(flag)).map(|flag| format!("--{}", flag.name));
        names.collect::<Vec<_>>().join(" ")
    };
    let choices = flags.iter().filter_map(|flag| match &flag.value {
        Value::Words(words) => Some(format!("--{}) words='{}' ;; ", flag.name, words.join(" "))),
        Value::None | Value::Path | Value::Any => None,
    });
    let choices: String = choices.collect();
    let choice = if choices.is_empty() { choices } else { format!("; case \"$previous\" in {choices}esac") };
    format!(
        "        {}) flags='{}'; paths='{}'{choice} ;;\n",
        page.command,
        named(&|_| true),
        named(&|flag| matches!(flag.value, Value::Path))
    )
}
