//! The table of options as people see it: config.json, `--print-config`, the README's table.

use super::load::Settings;
use super::table::OPTIONS;

/// The config.json that we ship: every key with its default.
pub fn json_file() -> String {
    let lines: Vec<String> =
        OPTIONS.iter().map(|option| format!("  \"{}\": {}", option.name, option.default_json())).collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

/// One line per option: its name, its value as config.json spells it, and where that came from.
pub fn listing(settings: &Settings) -> String {
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let name_width = width(&mut settings.settings.iter().map(|setting| setting.option.name.len()));
    let value_width = width(&mut settings.settings.iter().map(|setting| setting.json.chars().count()));
    let mut text = String::new();
    for setting in &settings.settings {
        let (name, json, origin) = (setting.option.name, &setting.json, &setting.origin);
        text.push_str(&format!("{name:name_width$}  {json:value_width$}  {origin}\n"));
    }
    text
}

/// The README's table of options, in Markdown.
pub fn markdown_table() -> String {
    let mut text =
        String::from("| option | default | unit | meaning | cost | if unsure |\n|---|---|---|---|---|---|\n");
    for option in OPTIONS {
        let (name, default) = (option.name, option.default_json());
        let (unit, meaning, cost, if_unsure) = (option.unit, option.meaning, option.cost, option.if_unsure);
        text.push_str(&format!("| `{name}` | `{default}` | {unit} | {meaning} | {cost} | {if_unsure} |\n"));
    }
    text
}
