//! The table agrees with its fields and says all that it should.

use super::*;
use crate::config::{Config, Spelled};

fn defaults() -> Config {
    let mut config = Config::unfilled();
    for option in OPTIONS {
        option.fill(&mut config, &Spelled::Word(option.default)).unwrap();
    }
    config
}

/// A value that is not its default.
fn other_value(option: &OptionSpec) -> String {
    let word = match option.kind {
        Kind::Address(_) => ":9999",
        Kind::Endpoints(_) => "[::1]:9999,unix:/run/other.sock",
        Kind::Origins(_) => "https://app.example,http://localhost:3000",
        Kind::Span(..) => "7s",
        Kind::Count(..) => "77",
        Kind::PowerOfTwo(..) => "8",
        Kind::Size(_, most, _) => return (most - 1).to_string(),
        Kind::Memory(_) => "80%",
        Kind::Switch(_) => "false",
        Kind::Folder(_) | Kind::FolderOrNone(_) => "elsewhere",
        Kind::File(_) => "elsewhere.pem",
        Kind::Tokens(_) => {
            return format!(r#"[{{"name": "a", "role": "read", "sha256": "{}"}}]"#, "0".repeat(64));
        }
        Kind::Word(words, _) => words().into_iter().find(|word| *word != option.default).unwrap(),
    };
    word.to_owned()
}

#[test]
fn each_option_fills_the_field_of_its_name_and_no_other() {
    let before = format!("{:#?}", defaults());
    for option in OPTIONS {
        let text = other_value(option);
        let mut config = defaults();
        option.fill(&mut config, &Spelled::Word(&text)).unwrap();
        let after = format!("{config:#?}");
        let field = |dump: &str| {
            let mut name = String::new();
            // Fields of the struct itself are indented by four spaces; what is deeper belongs to the last of them.
            dump.lines()
                .map(|line| {
                    let outer = line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '}', ']', ')']));
                    name = outer.and_then(|rest| rest.split(':').next()).unwrap_or(&name).to_owned();
                    (name.clone(), line.to_owned())
                })
                .collect::<Vec<_>>()
        };
        let old = field(&before);
        let changed: Vec<_> = field(&after).into_iter().filter(|line| !old.contains(line)).collect();
        assert!(!changed.is_empty(), "{} changes nothing", option.name);
        assert!(changed.iter().all(|(name, _)| name == option.name), "{}: {changed:?}", option.name);
    }
}

#[test]
fn every_field_has_its_option() {
    let dump = format!("{:#?}", defaults());
    let fields: Vec<&str> = dump
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once(':').map(|(name, _)| name))
        .filter(|name| !name.starts_with(' '))
        .collect();
    assert_eq!(fields, OPTIONS.iter().map(|option| option.name).collect::<Vec<_>>());
}

#[test]
fn every_default_is_in_its_shortest_form() {
    let mut config = Config::unfilled();
    for option in OPTIONS {
        assert_eq!(option.fill(&mut config, &Spelled::Word(option.default)), Ok(option.default_json()));
    }
}

#[test]
fn every_option_says_what_it_means_and_costs() {
    for option in OPTIONS {
        for text in [option.meaning, option.cost, option.if_unsure] {
            assert!(text.ends_with('.') && !text.contains("  ") && !text.contains('|'), "{}: {text}", option.name);
        }
        let is_sized = matches!(
            option.kind,
            Kind::Span(..) | Kind::Count(..) | Kind::PowerOfTwo(..) | Kind::Size(..) | Kind::Memory(_)
        );
        assert_eq!(is_sized, option.cost.contains("Larger: ") && option.cost.contains("maller: "), "{}", option.name);
    }
}
