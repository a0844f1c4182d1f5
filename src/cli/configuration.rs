//! Where the configuration's sources really are, and the two commands that only look at it.

use std::io;
use std::path::Path;

use crate::base::clock::UnixMillis;
use crate::base::disk::{Disk, read_whole};
use crate::base::limits::CONFIG_BYTES_MAX;
use crate::config::{ConfigError, ENVIRONMENT_PREFIX, Origin, Settings, Sources, listing, load};
use crate::server::{check_certificate, check_tokens};

use super::exit::{Exit, Finished};
use super::invocation::Arguments;
use super::usage::UsageError;

/// The config file that is read when none is named, in the working directory; it need not exist.
const FILE_HERE: &str = "config.json";

/// Where the server is that the commands of a client speak to. It begins like the options' variables and is none.
pub const URL_VARIABLE: &str = "MEMORY_TOOLS_URL";

/// The token that they present, where no file is named. Never a flag: everybody who may list processes sees those.
pub const TOKEN_VARIABLE: &str = "MEMORY_TOOLS_TOKEN";

/// The value of `URL_VARIABLE`; `None` when it is not there, or empty.
///
/// # Errors
/// When it is not UTF-8.
pub fn server_url() -> Result<Option<String>, UsageError> {
    variable(URL_VARIABLE)
}

/// The value of `TOKEN_VARIABLE`; `None` when it is not there, or empty.
///
/// # Errors
/// When it is not UTF-8.
pub fn own_token() -> Result<Option<String>, UsageError> {
    variable(TOKEN_VARIABLE)
}

fn variable(name: &str) -> Result<Option<String>, UsageError> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    value.into_string().map(Some).map_err(|_| UsageError::NotUtf8(name.to_owned()))
}

/// The variables of the real environment that are options of ours.
///
/// # Errors
/// When one of them is not UTF-8.
pub fn environment() -> Result<Vec<(String, String)>, UsageError> {
    let mut variables = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        if name.starts_with(ENVIRONMENT_PREFIX) && name != URL_VARIABLE && name != TOKEN_VARIABLE {
            let value = value.into_string().map_err(|_| UsageError::NotUtf8(name.clone()))?;
            variables.push((name, value));
        }
    }
    // The environment has no order of its own; messages should have one.
    variables.sort();
    Ok(variables)
}

/// The configuration that `arguments`, `environment` and the config file make.
///
/// # Errors
/// Everything that is wrong with it, a line each.
pub fn settings(
    arguments: &Arguments,
    environment: Vec<(String, String)>,
    disk: &dyn Disk,
) -> Result<Settings, Vec<ConfigError>> {
    let file = match &arguments.config {
        Some(path) => Some(path.as_path()),
        None => {
            let path = Path::new(FILE_HERE);
            disk.exists(path).map_err(|error| vec![unreadable(path, &error)])?.then_some(path)
        }
    };
    let file = match file {
        Some(path) => Some((path.to_owned(), read(disk, path).map_err(|error| vec![error])?)),
        None => None,
    };
    load(&Sources { file, environment, flags: arguments.flags.clone() })
}

fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, ConfigError> {
    let bytes = disk.open(path).and_then(|file| file.bytes()).map_err(|error| unreadable(path, &error))?;
    if bytes > CONFIG_BYTES_MAX {
        return Err(ConfigError::TooLarge { path: path.display().to_string(), bytes, bytes_max: CONFIG_BYTES_MAX });
    }
    read_whole(disk, path, CONFIG_BYTES_MAX).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    ConfigError::Unreadable { path: path.display().to_string(), cause: error.to_string() }
}

/// `--print-config`: a line per option with its value and where it came from.
pub fn print_config(loaded: &Result<Settings, Vec<ConfigError>>) -> Finished {
    match loaded {
        Ok(settings) => Finished::done(listing(settings)),
        Err(errors) => Finished::because(Exit::Usage, errors),
    }
}

/// `check-config`: one line when it is valid, else a line for each mistake. The certificate and the tokens that it
/// names are looked at too.
pub fn check_config(loaded: &Result<Settings, Vec<ConfigError>>, disk: &dyn Disk, now: UnixMillis) -> Finished {
    let settings = match loaded {
        Ok(settings) => settings,
        Err(errors) => return Finished::because(Exit::Usage, errors),
    };
    let warnings = match check_certificate(&settings.config, disk, now) {
        Ok(checked) => checked.map(|checked| checked.warnings).unwrap_or_default(),
        Err(error) => return Finished::because(Exit::Usage, [error]),
    };
    if let Err(error) = check_tokens(&settings.config, disk) {
        return Finished::because(Exit::Usage, [error]);
    }
    let (mut file, mut counts) = (None, [0; 4]);
    for setting in &settings.settings {
        let [defaults, in_file, in_environment, in_flags] = &mut counts;
        match &setting.origin {
            Origin::Default => *defaults += 1,
            Origin::File(position) => {
                file = Some(position.path.as_str());
                *in_file += 1;
            }
            Origin::Environment(_) => *in_environment += 1,
            Origin::Flag(_) => *in_flags += 1,
        }
    }
    let [defaults, in_file, in_environment, in_flags] = counts;
    let file = file.unwrap_or("config files");
    let stderr = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    let stdout = format!(
        "configuration ok: {defaults} defaults, {in_file} from {file}, {in_environment} from the environment, \
         {in_flags} from flags\n"
    );
    Finished { stdout, stderr, exit: Exit::Done }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::disk::RealDisk;

    fn with_file(text: &[u8]) -> (tempfile::TempDir, Arguments) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        RealDisk.create(&path).unwrap().write_all(text).unwrap();
        (folder, Arguments { config: Some(path), flags: vec![("shards".to_owned(), "2".to_owned())] })
    }

    #[test]
    fn a_valid_configuration_is_told_in_one_line() {
        let (_folder, arguments) = with_file(br#"{"shards": 4, "read_timeout": "1s"}"#);
        let environment = vec![("MEMORY_TOOLS_PORT".to_owned(), ":1".to_owned())];
        let finished = check_config(&settings(&arguments, environment, &RealDisk), &RealDisk, UnixMillis(0));
        let path = arguments.config.unwrap();
        // Four values were given, one of them twice.
        let expected = format!(
            "configuration ok: {} defaults, 1 from {}, 1 from the environment, 1 from flags\n",
            crate::config::OPTIONS.len() - 3,
            path.display()
        );
        assert_eq!((finished.stdout, finished.exit), (expected, Exit::Done));
    }

    #[test]
    fn an_invalid_one_ends_with_code_2_and_a_line_for_each_mistake() {
        let (_folder, arguments) = with_file(b"{\"a\": 1,\n\"b\": 2}");
        let loaded = settings(&arguments, Vec::new(), &RealDisk);
        for finished in [check_config(&loaded, &RealDisk, UnixMillis(0)), print_config(&loaded)] {
            assert_eq!((finished.exit.code(), finished.stdout.as_str()), (2, ""));
            assert_eq!(finished.stderr.lines().count(), 2, "{}", finished.stderr);
        }
    }

    #[test]
    fn a_config_file_that_was_named_must_exist_and_be_a_file_of_sensible_size() {
        let (folder, mut arguments) = with_file(&vec![b' '; usize::try_from(CONFIG_BYTES_MAX).unwrap() + 1]);
        let errors = settings(&arguments, Vec::new(), &RealDisk).unwrap_err();
        assert!(matches!(errors.as_slice(), [ConfigError::TooLarge { .. }]), "{errors:?}");
        for path in [folder.path().join("absent.json"), folder.path().to_owned()] {
            arguments.config = Some(path);
            let errors = settings(&arguments, Vec::new(), &RealDisk).unwrap_err();
            assert!(matches!(errors.as_slice(), [ConfigError::Unreadable { .. }]), "{errors:?}");
        }
    }

    #[test]
    fn every_option_is_printed_with_its_origin() {
        let (_folder, arguments) = with_file(b"{}");
        let finished = print_config(&settings(&arguments, Vec::new(), &RealDisk));
        assert_eq!(finished.stdout.lines().count(), crate::config::OPTIONS.len());
        assert!(finished.stdout.lines().any(|line| line.starts_with("shards ") && line.ends_with("flag --shards")));
    }
}
