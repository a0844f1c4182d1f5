//! What is around the code agrees with the code: config.json, the README's tables, the Makefile, the unit, the images.
//!
//! `UPDATE=1 cargo test --test packaging` writes config.json and the README's tables anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use memory_tools::api::Kind;
use memory_tools::base::clock::{Clock, SystemClock};
use memory_tools::base::disk::RealDisk;
use memory_tools::cli::{Arguments, Invocation, TOKEN_VARIABLE, URL_VARIABLE, check_config, parse, settings};
use memory_tools::config::{ENVIRONMENT_PREFIX, ListenOn, OPTIONS, Origin, Sources, json_file, load, markdown_table};

#[path = "support/left_out.rs"]
mod left_out;

/// What stands around the README's tables: that of the options, and that of the codes.
const OPTIONS_IN_README: [&str; 2] = ["<!-- config table -->\n", "<!-- end -->"];
const CODES_IN_README: [&str; 2] = ["<!-- error table -->\n", "<!-- end of errors -->"];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Asserts that the file `name` reads `expected`, or writes it when asked to.
fn must_read(name: &str, expected: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(name), expected).unwrap();
    }
    assert!(text(name) == expected, "{name} is out of date: UPDATE=1 cargo test --test packaging writes it anew");
}

/// The variables of ours that `text` speaks of, whole names only.
fn variables(text: &str) -> BTreeSet<&str> {
    let is_part = |character: char| character.is_ascii_uppercase() || character == '_' || character.is_ascii_digit();
    text.split(|character| !is_part(character))
        .filter(|word| word.starts_with(ENVIRONMENT_PREFIX) && *word != ENVIRONMENT_PREFIX)
        .collect()
}

/// The words of a JSON array of strings, as Docker's exec form has it.
fn exec_form(line: &str) -> Vec<String> {
    let array = &line[line.find('[').unwrap()..];
    serde_json::from_str(array).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// What follows `key` on the lines that begin with it.
fn lines_of<'a>(text: &'a str, key: &'a str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix(key)).map(str::trim).collect()
}

/// What follows `key` on the one line that begins with it.
fn line_of<'a>(text: &'a str, key: &'a str) -> &'a str {
    match lines_of(text, key)[..] {
        [line] => line,
        ref lines => panic!("one line with {key:?} is expected, found {lines:?}"),
    }
}

/// The targets that the Makefile defines.
fn make_targets() -> BTreeSet<String> {
    let makefile = text("Makefile");
    let rules = makefile.lines().filter(|line| line.contains(": ") && line.contains("## "));
    rules.filter_map(|line| line.split_once(':').map(|(target, _)| target.to_owned())).collect()
}

#[test]
fn the_shipped_config_file_shows_every_option_with_its_default() {
    must_read("config.json", &json_file());
    let file = Some((PathBuf::from("config.json"), text("config.json").into_bytes()));
    let settings = load(&Sources { file, ..Sources::default() }).unwrap();
    for setting in &settings.settings {
        assert!(matches!(setting.origin, Origin::File(_)), "{} is not in the file", setting.option.name);
        assert_eq!(setting.json, setting.option.default_json());
    }
}

#[test]
fn without_a_named_file_the_one_here_is_read() {
    // Tests run at the top of the repository, where config.json is.
    let loaded = settings(&Arguments::default(), Vec::new(), &RealDisk);
    let line = check_config(&loaded, &RealDisk, SystemClock::start().now()).stdout;
    assert_eq!(
        line,
        format!(
            "configuration ok: 0 defaults, {} from config.json, 0 from the environment, 0 from flags\n",
            OPTIONS.len()
        )
    );
}

/// `readme` with `table` between `marks`.
fn with_table(readme: &str, [begin, end]: [&str; 2], table: &str) -> String {
    let (before, rest) = readme.split_once(begin).expect("the README marks where the table begins");
    let (_, after) = rest.split_once(end).expect("the README marks where the table ends");
    format!("{before}{begin}{table}{end}{after}")
}

/// The codes that the api answers with, in Markdown.
fn table_of_codes() -> String {
    let row = |kind: &Kind| format!("| `{}` | {} | {} |\n", kind.code(), kind.status(), kind.title());
    format!("| code | status | title |\n|---|---|---|\n{}", Kind::ALL.iter().map(row).collect::<String>())
}

#[test]
fn the_readme_has_the_tables_of_options_and_codes() {
    let with_options = with_table(&text("README.md"), OPTIONS_IN_README, &markdown_table());
    must_read("README.md", &with_table(&with_options, CODES_IN_README, &table_of_codes()));
}

#[test]
fn variables_in_the_documents_and_packages_are_options() {
    let mut known: BTreeSet<String> = OPTIONS.iter().map(|option| option.variable()).collect();
    known.extend([URL_VARIABLE, TOKEN_VARIABLE].map(str::to_owned));
    for name in
        ["README.md", "Makefile", "deploy/Dockerfile", "deploy/docker-compose.yml", "deploy/memory-tools.service"]
    {
        for variable in variables(&text(name)) {
            assert!(known.contains(variable), "{name} speaks of {variable}, which is no option");
        }
    }
}

#[test]
fn the_unit_calls_the_program_as_it_can_be_called() {
    let unit = text("deploy/memory-tools.service");
    let command = line_of(&unit, "ExecStart=");
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("/usr/local/bin/memory-tools"));
    let Ok(Invocation::Serve { arguments, .. }) = parse(words) else { panic!("{command} does not serve") };
    let settings = load(&Sources { flags: arguments.flags, ..Sources::default() }).unwrap();
    let state = line_of(&unit, "StateDirectory=");
    assert_eq!(settings.config.data_dir, PathBuf::from("/var/lib").join(state));
    // What install-service substitutes and where it puts the file that the unit names.
    assert!(text("Makefile").contains("s|/usr/local/bin/|$(PREFIX)/bin/|"));
    assert!(text("Makefile").contains(&format!("config.json $(DESTDIR){}", arguments.config.unwrap().display())));
}

#[test]
fn the_unit_waits_until_it_is_told_and_has_the_data_for_itself() {
    let unit = text("deploy/memory-tools.service");
    for (key, value) in [
        ("Type=", "notify"),
        ("TimeoutStartSec=", "infinity"),
        ("WatchdogSec=", "30s"),
        ("DynamicUser=", "yes"),
        ("StateDirectoryMode=", "0700"),
    ] {
        assert_eq!(line_of(&unit, key), value, "{key}");
    }
}

/// 1.1 of 10 is what is left, by systemd 252, for a server on the network: PrivateNetwork, an address family of the Internet, and addresses
/// that only its operator knows (IPAddressDeny=).
#[test]
fn the_unit_is_as_little_exposed_as_a_server_can_be() {
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", "--no-pager", "--threshold=15", "deploy/memory-tools.service"]);
    let output = match analyze.current_dir(env!("CARGO_MANIFEST_DIR")).output() {
        Ok(output) => output,
        Err(error) => return left_out::say("the exposure of the unit", &format!("systemd-analyze: {error}")),
    };
    let told = String::from_utf8_lossy(&output.stdout);
    if String::from_utf8_lossy(&output.stderr).contains("unrecognized option") {
        return left_out::say("the exposure of the unit", "systemd-analyze is older than version 250");
    }
    assert!(output.status.success() && told.contains("Overall exposure level"), "{told} {output:?}");
}

#[test]
fn the_unit_reloads_by_a_signal_that_stops_nothing_and_has_a_place_for_a_socket() {
    let unit = text("deploy/memory-tools.service");
    assert_eq!(line_of(&unit, "ExecReload="), "/bin/kill -HUP $MAINPID");
    let example = line_of(&unit, "#   \"listen\":");
    let elements = ListenOn::parse_list(&exec_form(example).join(",")).unwrap();
    let paths = elements.iter().filter_map(|element| match element {
        ListenOn::Unix { path, .. } => path.parent(),
        ListenOn::Tcp(_) => None,
    });
    let folder = PathBuf::from("/run").join(line_of(&unit, "RuntimeDirectory="));
    assert_eq!(paths.collect::<Vec<_>>(), [folder]);
    assert!(line_of(&unit, "RestrictAddressFamilies=").split(' ').any(|family| family == "AF_UNIX"));
}

#[test]
fn the_image_calls_the_program_as_it_can_be_called() {
    let dockerfile = text("deploy/Dockerfile");
    let entry = line_of(&dockerfile, "ENTRYPOINT");
    let entry = exec_form(entry);
    assert_eq!(entry, ["/memory-tools"]);
    assert!(matches!(parse(&entry[1..]), Ok(Invocation::Serve { .. })));
    let check = line_of(&dockerfile, "HEALTHCHECK");
    let check = exec_form(check);
    assert_eq!(check[0], entry[0]);
    assert!(matches!(parse(&check[1..]), Ok(Invocation::Health(_))));
    let makefile = text("Makefile");
    let binary = line_of(&makefile, "STATIC =");
    assert!(dockerfile.contains(&format!("COPY --from=build /source/{binary} {}", entry[0])));
}

#[test]
fn the_image_listens_and_stores_where_it_says() {
    let dockerfile = text("deploy/Dockerfile");
    let environment = line_of(&dockerfile, "ENV ");
    let environment = environment.split(' ').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    });
    let config = load(&Sources { environment: environment.collect(), ..Sources::default() }).unwrap().config;
    assert_eq!(line_of(&dockerfile, "EXPOSE "), config.port.port.to_string());
    assert_eq!(line_of(&dockerfile, "VOLUME "), config.data_dir.to_str().unwrap());
    assert!(!config.port.is_loopback(), "nobody reaches the loopback of a container");
    let user = line_of(&dockerfile, "USER ");
    assert!(user.split(':').all(|number| number.parse::<u32>().is_ok_and(|number| number > 0)), "{user}");
    assert!(dockerfile.contains(&format!("--chown={user} /empty {}", config.data_dir.display())));
    let compose = text("deploy/docker-compose.yml");
    assert!(compose.contains(&format!("127.0.0.1:8080:{}", config.port.port)));
    assert!(compose.contains(&format!("- data:{}\n", config.data_dir.display())));
}

#[test]
fn the_image_is_built_by_the_compiler_that_the_crate_asks_for() {
    let version = env!("CARGO_PKG_RUST_VERSION");
    assert!(text("deploy/Dockerfile").contains(&format!("FROM rust:{version}-")), "rust-version is {version}");
}

#[test]
fn targets_that_are_spoken_of_exist() {
    let targets = make_targets();
    assert!(targets.contains("run") && targets.contains("ci"), "{targets:?}");
    for name in ["README.md", "deploy/Dockerfile", "deploy/memory-tools.service", ".ci/run"] {
        for line in text(name).lines() {
            // Code, not prose: after a prompt, a backtick, RUN or exec.
            for code in line.split(['`', '#', '$']).flat_map(|part| part.split("&&")) {
                let code = code.trim().trim_start_matches("RUN ").trim_start_matches("exec ");
                let Some(target) = code.strip_prefix("make ").and_then(|rest| rest.split([' ', ',', ';']).next())
                else {
                    continue;
                };
                assert!(targets.contains(target), "{name} speaks of `make {target}`, which is no target");
            }
        }
    }
}

/// What the parts of the README between its charts say, each with the chart behind it.
fn charts(readme: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = readme.split("](perf/results/").collect();
    let names = parts.iter().skip(1).filter_map(|part| part.split_once(".svg)").map(|(name, _)| name));
    parts.iter().copied().zip(names.filter(|name| !name.contains('\n'))).collect()
}

#[test]
fn a_chart_in_the_readme_stands_behind_the_command_that_made_it() {
    let readme = text("README.md");
    let measuring = readme.split_once("\nCharts of ").expect("the README says what the charts are").1;
    let charts = charts(measuring);
    assert!(!charts.is_empty());
    let mut said = String::new();
    for (before, name) in charts {
        if let Some(code) = before.split('`').skip(1).step_by(2).filter(|code| code.starts_with("make bench")).last() {
            code.clone_into(&mut said);
        }
        let chart = text(&format!("perf/results/{name}.svg"));
        let imprint = chart.lines().rfind(|line| line.starts_with("<text")).unwrap();
        let command = imprint.split(['>', '<']).nth(2).unwrap();
        assert_eq!(command.split(' ').take(2).collect::<Vec<_>>().join(" "), said, "{name}.svg was made by {command}");
    }
}

#[test]
fn every_target_is_phony_and_told_in_the_help() {
    let makefile = text("Makefile");
    let phony = line_of(&makefile, ".PHONY:");
    let phony: BTreeSet<String> = phony.split(' ').map(str::to_owned).collect();
    assert_eq!(make_targets(), phony);
}
