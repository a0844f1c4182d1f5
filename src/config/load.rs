//! Precedence: defaults, then the file, then the environment, then flags; the later wins.
//!
//! Everything that was given is checked, also what a later source overrides, and everything that is wrong is
//! reported at once.

use super::agreement;
use super::error::{ConfigError, Origin};
use super::file;
use super::nearest::nearest_option;
use super::option::{OptionSpec, Spelled};
use super::sources::Sources;
use super::table::OPTIONS;
use super::values::Config;

/// What every environment variable of ours begins with.
pub const ENVIRONMENT_PREFIX: &str = "MEMORY_TOOLS_";

/// A configuration with the story of each value.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The values.
    pub config: Config,
    /// One per option, in the order of the table.
    pub settings: Vec<Setting>,
    /// What they were read from, to be read again.
    pub sources: Sources,
}

/// One option's value and where it came from.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The option.
    pub option: &'static OptionSpec,
    /// The value, as config.json spells it.
    pub json: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Reads all sources, each overriding those before it.
///
/// # Errors
/// Everything that is wrong, in the order of the sources; never empty.
pub fn load(sources: &Sources) -> Result<Settings, Vec<ConfigError>> {
    let mut loading = Loading::of_defaults();
    loading.read(sources);
    loading.finish(sources)
}

struct Loading {
    config: Config,
    settings: Vec<Setting>,
    errors: Vec<ConfigError>,
}

impl Settings {
    /// Where the value of the option `name` came from.
    pub(super) fn origin(&self, name: &str) -> Origin {
        let setting = self.settings.iter().find(|setting| setting.option.name == name);
        setting.map_or(Origin::Default, |setting| setting.origin.clone())
    }
}

impl Loading {
    fn of_defaults() -> Loading {
        let mut loading = Loading { config: Config::unfilled(), settings: Vec::new(), errors: Vec::new() };
        for option in OPTIONS {
            loading.assign(option, &Spelled::Word(option.default), Origin::Default);
        }
        loading
    }

    /// Takes what `sources` say, each overriding those before it.
    fn read(&mut self, sources: &Sources) {
        if let Some((path, text)) = &sources.file {
            let (assignments, errors) = file::read(&path.to_string_lossy(), text);
            self.errors.extend(errors);
            for assignment in assignments {
                self.assign(assignment.option, &assignment.value.spelled(), Origin::File(assignment.at));
            }
        }
        for (name, value) in &sources.environment {
            let Some(bare) = name.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
            match OPTIONS.iter().find(|option| option.variable() == *name) {
                Some(option) => self.assign(option, &Spelled::Word(value), Origin::Environment(name.clone())),
                None => {
                    let nearest = nearest_option(bare).map(OptionSpec::variable);
                    self.errors.push(ConfigError::UnknownVariable { name: name.clone(), nearest });
                }
            }
        }
        for (name, value) in &sources.flags {
            match OPTIONS.iter().find(|option| option.flag() == *name) {
                Some(option) => self.assign(option, &Spelled::Word(value), Origin::Flag(format!("--{name}"))),
                None => {
                    let nearest = nearest_option(name).map(|option| format!("--{}", option.flag()));
                    self.errors.push(ConfigError::UnknownFlag { name: format!("--{name}"), nearest });
                }
            }
        }
    }

    fn assign(&mut self, option: &'static OptionSpec, spelled: &Spelled<'_>, origin: Origin) {
        match option.fill(&mut self.config, spelled) {
            Ok(json) => {
                let setting = Setting { option, json, origin };
                match self.settings.iter_mut().find(|earlier| earlier.option.name == option.name) {
                    Some(earlier) => *earlier = setting,
                    None => self.settings.push(setting),
                }
            }
            Err(fault) => {
                let fault = Box::new(fault);
                self.errors.push(ConfigError::BadValue { origin, name: option.name, fault });
            }
        }
    }

    fn finish(self, sources: &Sources) -> Result<Settings, Vec<ConfigError>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let mut settings = Settings { config: self.config, settings: self.settings, sources: sources.clone() };
        agreement::settle(&mut settings);
        let clashes = agreement::clashes(&settings);
        if clashes.is_empty() { Ok(settings) } else { Err(clashes) }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::base::limits::CONFIG_BYTES_MAX;
    use crate::config::{ListenOn, json_file, listing};

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn load_all(
        file: Option<&str>,
        environment: &[(&str, &str)],
        flags: &[(&str, &str)],
    ) -> Result<Settings, Vec<String>> {
        let file = file.map(|text| (PathBuf::from("config.json"), text.as_bytes().to_vec()));
        load(&Sources { file, environment: pairs(environment), flags: pairs(flags) })
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    fn file_errors(text: &str) -> Vec<String> {
        load_all(Some(text), &[], &[]).unwrap_err()
    }

    #[test]
    fn without_any_source_every_value_is_its_default() {
        let settings = load_all(None, &[("PATH", "/bin"), ("MEMORY_TOOLSX", "")], &[]).unwrap();
        assert_eq!(settings.settings.len(), OPTIONS.len());
        assert!(settings.settings.iter().all(|setting| setting.origin == Origin::Default));
        let config = settings.config;
        assert_eq!(config.port.to_string(), "127.0.0.1:8080");
        assert_eq!((config.snapshot_interval, config.enable_snapshots), (Duration::from_secs(300), true));
        assert_eq!((config.document_bytes_max, config.shards), (50 << 20, 256));
    }

    #[test]
    fn the_shipped_file_says_what_the_defaults_say() {
        let settings = load_all(Some(&json_file()), &[], &[]).unwrap();
        assert_eq!(settings.config, load_all(None, &[], &[]).unwrap().config);
        assert!(settings.settings.iter().all(|setting| matches!(setting.origin, Origin::File(_))));
    }

    #[test]
    fn a_config_file_of_the_go_server_is_understood() {
        let text = r#"{"port": ":8080", "read_timeout": "5s", "write_timeout": "10s", "idle_timeout": "120s",
            "shutdown_timeout": "10s", "snapshot_interval": "5m", "enable_snapshots": true, "ttl_clean_interval": "1m"}"#;
        let config = load_all(Some(text), &[], &[]).unwrap().config;
        assert_eq!(config.port.to_string(), ":8080");
        assert_eq!(config.idle_timeout, Duration::from_secs(120));
    }

    #[test]
    fn later_sources_override_earlier_ones() {
        let file = r#"{"shards": 2, "read_timeout": "2s", "write_timeout": "2s"}"#;
        let environment = [("MEMORY_TOOLS_READ_TIMEOUT", "3s"), ("MEMORY_TOOLS_WRITE_TIMEOUT", "3s")];
        let flags = [("write-timeout", "4s"), ("write-timeout", "5s")];
        let settings = load_all(Some(file), &environment, &flags).unwrap();
        let lines = listing(&settings);
        let line = |name: &str| {
            let line = lines.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("port"), "port \"127.0.0.1:8080\" default");
        assert_eq!(line("shards"), "shards 2 config.json:1");
        assert_eq!(line("read_timeout"), "read_timeout \"3s\" environment MEMORY_TOOLS_READ_TIMEOUT");
        assert_eq!(line("write_timeout"), "write_timeout \"5s\" flag --write-timeout");
        assert_eq!(settings.config.write_timeout, Duration::from_secs(5));
    }

    #[test]
    fn a_list_is_an_array_in_the_file_and_has_commas_elsewhere() {
        let both = "127.0.0.1:80,unix:/run/mt.sock?mode=0660";
        let elements = ListenOn::parse_list(both).unwrap();
        let config = |file, environment: &[_], flags: &[_]| {
            let mut loading = Loading::of_defaults();
            let sources = Sources { file, environment: pairs(environment), flags: pairs(flags) };
            loading.read(&sources);
            assert!(loading.errors.is_empty());
            loading.config
        };
        let text = r#"{"listen": ["127.0.0.1:80", "unix:\/run/mt.sock?mode=660"]}"#;
        let file = Some((PathBuf::from("config.json"), text.as_bytes().to_vec()));
        for config in [
            config(file.clone(), &[], &[]),
            config(None, &[("MEMORY_TOOLS_LISTEN", both)], &[]),
            config(file, &[], &[("listen", both)]),
        ] {
            assert_eq!((&config.listen, config.endpoints()), (&elements, elements.clone()));
        }
        let settings = load_all(Some(r#"{"listen": [" localhost:080 "]}"#), &[], &[]).unwrap();
        assert!(listing(&settings).contains("[\"localhost:80\"] "), "{}", listing(&settings));
    }

    #[test]
    fn without_a_list_the_short_form_says_where_to_listen() {
        let config = |flags: &[(&str, &str)]| load_all(None, &[], flags).unwrap().config;
        for (flags, option, endpoint) in [
            (&[][..], "port", "127.0.0.1:8080"),
            (&[("port", ":1")], "port", ":1"),
            (&[("listen", ":2")], "listen", ":2"),
        ] {
            let config = config(flags);
            assert_eq!(
                (config.endpoints_option(), ListenOn::format_list(&config.endpoints())),
                (option, endpoint.to_owned())
            );
        }
    }

    #[test]
    fn an_element_that_would_not_stay_one_is_refused() {
        for (text, fault) in [
            (r#"{"listen": [":1,:2"]}"#, "\":1,:2\" has a comma in it, write two elements"),
            (r#"{"listen": [""]}"#, "an element is empty"),
            (r#"{"listen": [":1", " "]}"#, "an element is empty"),
        ] {
            let errors = file_errors(text);
            assert!(errors.concat().ends_with(fault), "{errors:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_named_is_none() {
        let tls = |flags: &[(&str, &str)]| {
            let mut loading = Loading::of_defaults();
            loading.read(&Sources { flags: pairs(flags), ..Sources::default() });
            (loading.config.tls_cert, loading.config.tls_key)
        };
        assert_eq!(tls(&[("tls-cert", ""), ("tls-key", "k.pem")]), (None, Some(PathBuf::from("k.pem"))));
    }

    #[test]
    fn an_overridden_value_is_still_checked() {
        let errors = load_all(Some(r#"{"shards": 3}"#), &[], &[("shards", "4")]).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
    }

    #[test]
    fn each_mistake_in_the_file_is_one_line_with_its_place() {
        for (text, error) in [
            (
                "{\n  \"port\": \":1\",\n  \"snapshot_intervall\": \"5m\"\n}",
                "config.json:3:3: unknown key \"snapshot_intervall\", did you mean \"snapshot_interval\"?",
            ),
            ("{\"xyzzy\": 1}", "config.json:1:2: unknown key \"xyzzy\", memory-tools --help lists the options"),
            ("{\"num_shards\": 16}", "config.json:1:2: unknown key \"num_shards\", did you mean \"shards\"?"),
            (
                "{\"read_timeout\": 5}",
                "config.json:1:18: read_timeout: expected a duration of 1ms to 24h, such as \"5s\", found the number 5",
            ),
            (
                "{\"read_timeout\": \"5\"}",
                "config.json:1:18: read_timeout: expected a duration of 1ms to 24h, such as \"5s\", found \"5\": the \
                 number before byte 1 lacks its unit: ns, us, ms, s, m or h, as in \"30s\"",
            ),
            (
                "{\"read_timeout\": \"-5s\"}",
                "config.json:1:18: read_timeout: expected a duration of 1ms to 24h, such as \"5s\", found \"-5s\"",
            ),
            (
                "{\"enable_snapshots\": \"yes\"}",
                "config.json:1:22: enable_snapshots: expected true or false, such as true, found \"yes\"",
            ),
            (
                "{\"enable_snapshots\": null}",
                "config.json:1:22: enable_snapshots: expected true or false, such as true, found null",
            ),
            (
                "{\"shards\": \"256\"}",
                "config.json:1:12: shards: expected a power of two of 1 to 65536, such as 256, found \"256\"",
            ),
            (
                "{\"shards\": 3}",
                "config.json:1:12: shards: expected a power of two of 1 to 65536, such as 256, found the number 3",
            ),
            (
                "{\"pool_threads\": 1e2}",
                "config.json:1:18: pool_threads: expected a whole number of 1 to 16384, such as 512, found the number \
                 1e2",
            ),
            (
                "{\"document_bytes_max\": \"16MB\"}",
                "config.json:1:24: document_bytes_max: expected a size of 1 to 1GiB bytes, such as \"50MiB\", found \
                 \"16MB\": the units are KiB, MiB and GiB; without one it is bytes",
            ),
            (
                "{\"front\": \"reaktor\"}",
                "config.json:1:11: front: expected one of \"reactor\", \"pool\", such as \"reactor\", found \"reaktor\"",
            ),
            (
                "{\"port\": 8080}",
                "config.json:1:10: port: expected an address to listen on, such as \"127.0.0.1:8080\", found the \
                 number 8080",
            ),
            (
                "{\"port\": \"8080\"}",
                "config.json:1:10: port: expected an address to listen on, such as \"127.0.0.1:8080\", found \
                 \"8080\": it has no ':', write \":8080\" for every interface or \"127.0.0.1:8080\" for this machine \
                 alone",
            ),
            ("{\"data_dir\": \"\"}", "config.json:1:14: data_dir: expected a folder, such as \"./data\", found \"\""),
            (
                "{\"data_dir\": [1]}",
                "config.json:1:14: data_dir: expected a folder, such as \"./data\", found an array of other than strings",
            ),
            (
                "{\"listen\": \":1\"}",
                "config.json:1:12: listen: expected addresses to listen on and Unix sockets, as an array or with \
                 commas between them, such as [\"127.0.0.1:8080\", \"unix:/run/memory-tools.sock\"], found \":1\"",
            ),
            (
                "{\"listen\": [\":1\", \"9090\"]}",
                "config.json:1:12: listen: expected addresses to listen on and Unix sockets, as an array or with \
                 commas between them, such as [\"127.0.0.1:8080\", \"unix:/run/memory-tools.sock\"], found \
                 [\":1\", \"9090\"]: \"9090\": it has no ':', write \":9090\" for every interface or \
                 \"127.0.0.1:9090\" for this machine alone",
            ),
            (
                "{\"tls_cert\": [\"a\"]}",
                "config.json:1:14: tls_cert: expected a file, or nothing, such as \"/etc/memory-tools/tls.pem\", found \
                 [\"a\"]",
            ),
            (
                "{\"port\": \":1\",\n \"port\": \":2\"}",
                "config.json:2:2: duplicate key \"port\", it stands on line 1 already",
            ),
            (
                "{\"port\": \":1\",\n \"p\\u006frt\": \":2\"}",
                "config.json:2:2: duplicate key \"port\", it stands on line 1 already",
            ),
            (
                "\n []",
                "config.json:2:2: expected an object of options, such as {\"port\": \"127.0.0.1:8080\"}, found an array",
            ),
            ("{\"port\": \":1\",\n}", "config.json:2:1: not JSON: expected a member name in quotes"),
            ("", "config.json:1:1: not JSON: unexpected end of the text"),
            ("{\"\\ud800\": 1}", "config.json:1:2: half of a surrogate pair, which is no character"),
            ("{\"port\": \"\\ud800\"}", "config.json:1:10: half of a surrogate pair, which is no character"),
            ("{\"listen\": [\"\\ud800\"]}", "config.json:1:12: half of a surrogate pair, which is no character"),
        ] {
            assert_eq!(file_errors(text), [error], "{text}");
        }
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let errors = load_all(Some(r#"{"a": 1, "shards": 0}"#), &[("MEMORY_TOOLS_FRONT", "x")], &[("nope", "1")]);
        assert_eq!(errors.unwrap_err().len(), 4);
    }

    #[test]
    fn a_file_over_the_limit_is_not_even_parsed() {
        let text = " ".repeat(usize::try_from(CONFIG_BYTES_MAX).unwrap() + 1);
        let expected =
            format!("config.json: {} bytes, a config file has at most {CONFIG_BYTES_MAX}", CONFIG_BYTES_MAX + 1);
        assert_eq!(file_errors(&text), [expected]);
    }

    #[test]
    fn unknown_variables_and_flags_are_errors_with_the_nearest_name() {
        for (environment, flags, error) in [
            (
                ("MEMORY_TOOLS_PROT", ":1"),
                ("port", ":1"),
                "unknown environment variable \"MEMORY_TOOLS_PROT\", did you mean \"MEMORY_TOOLS_PORT\"?",
            ),
            (
                ("MEMORY_TOOLS_port", ":1"),
                ("port", ":1"),
                "unknown environment variable \"MEMORY_TOOLS_port\", did you mean \"MEMORY_TOOLS_PORT\"?",
            ),
            (
                ("HOME", "/"),
                ("snapshot-intervall", "5m"),
                "unknown flag \"--snapshot-intervall\", did you mean \"--snapshot-interval\"?",
            ),
            (
                ("HOME", "/"),
                ("snapshot-interval", "5 m"),
                "--snapshot-interval: expected a duration of 100ms to 8760h, such as \"5m\", found \"5 m\": unknown \
                 unit at byte 1, the units are ns, us, ms, s, m and h, as in \"1h30m\"",
            ),
            (
                ("MEMORY_TOOLS_ENABLE_SNAPSHOTS", "1"),
                ("port", ":1"),
                "MEMORY_TOOLS_ENABLE_SNAPSHOTS: expected true or false, such as true, found \"1\"",
            ),
        ] {
            assert_eq!(load_all(None, &[environment], &[flags]).unwrap_err(), [error]);
        }
    }
}
