//! From arguments to what they ask for.

use std::ffi::OsString;
use std::io::BufWriter;
use std::sync::Arc;

use crate::base::clock::{Clock, SystemClock};
use crate::base::disk::{Disk, RealDisk};
use crate::config::{ConfigError, Settings};
use crate::persist::Losses;
use crate::server::outlive_large_files;

use super::arguments::parse;
use super::exit::{Exit, Finished};
use super::invocation::{Arguments, Invocation};
use super::usage::UsageError;
use super::{
    check, check_config, completions, doctor, dump, environment, health, help, help_of, manual, own_token,
    print_config, remote, repair, restore, serve, server_url, settings, token, version,
};

/// Carries out what `arguments` (without the program's name) ask for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Finished {
    carry_out(arguments).unwrap_or_else(|error| {
        let hint = "memory-tools --help shows how to call it";
        Finished::because(Exit::Usage, [format!("error: {error}"), hint.to_owned()])
    })
}

fn carry_out(arguments: impl IntoIterator<Item = OsString>) -> Result<Finished, UsageError> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let invocation = parse(arguments)?;
    // Without it, a file that may not grow ends a command that would have removed it; no more than that.
    let _ = outlive_large_files();
    Ok(match invocation {
        Invocation::Serve { arguments, import_skip } => serve(&loaded(&arguments)?, import_skip),
        Invocation::PrintConfig(arguments) => print_config(&loaded(&arguments)?),
        Invocation::CheckConfig(arguments) => check_config(&loaded(&arguments)?, &RealDisk, SystemClock::start().now()),
        Invocation::Check { path } => check(&disk, &path),
        Invocation::Dump { path } => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            dump(&disk, &path, Arc::new(SystemClock::start()), &mut out)
        }
        Invocation::Repair { path, drop_after_damage } => {
            let losses = if drop_after_damage { Losses::Accept } else { Losses::Refuse };
            repair(&disk, &path, SystemClock::start().now(), losses)
        }
        Invocation::Health(arguments) => health(&loaded(&arguments)?, &RealDisk),
        Invocation::Doctor(arguments) => doctor(&loaded(&arguments)?, &RealDisk),
        Invocation::Remote(mut call) => {
            if call.url.is_none() {
                call.url = server_url()?;
            }
            remote(&call, own_token()?, &RealDisk, (&mut std::io::stdin().lock(), &mut std::io::stdout().lock()))
        }
        Invocation::Manual => manual(),
        Invocation::Completions(shell) => completions(shell),
        Invocation::Token(new) => token(new),
        Invocation::Restore(restoring) => restore(&disk, &restoring, SystemClock::start().now()),
        Invocation::HelpOf(command) => help_of(command).unwrap_or_else(help),
        Invocation::Help => help(),
        Invocation::Version => version(),
    })
}

fn loaded(arguments: &Arguments) -> Result<Result<Settings, Vec<ConfigError>>, UsageError> {
    Ok(settings(arguments, environment()?, &RealDisk))
}
