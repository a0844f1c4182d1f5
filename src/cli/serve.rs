//! `serve`: starts the server, says so, waits for a signal, stops cleanly.
//!
//! What it has to say it logs, as the options want it; only what keeps a person from starting a server, a wrong
//! configuration or an error at the start, is a plain line where nobody collects lines.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::select;

use crate::base::clock::SystemClock;
use crate::base::disk::RealDisk;
use crate::base::log::{self, Format, Level, Value};
use crate::base::memory::Allocator;
use crate::config::{ConfigError, ListenOn, Settings};
use crate::server::{Logging, Parts, Server, Signal, Source, Supervisor, signals};

use super::banner::{banner, log_started};
use super::exit::{Exit, Finished};

/// Serves until a signal. Everything that can go wrong at the start is one line, and nothing was changed then.
pub fn serve(settings: &Result<Settings, Vec<ConfigError>>, import_skip: bool) -> Finished {
    let settings = match settings {
        Ok(settings) => settings,
        Err(errors) => return Finished::because(Exit::Usage, errors.iter().map(|error| format!("error: {error}"))),
    };
    let _logging = match Logging::begin(&settings.config) {
        Ok(logging) => logging,
        Err(cause) => return Finished::because(Exit::Failed, [format!("error: no thread for the log: {cause}")]),
    };
    serve_logged(settings, import_skip)
}

fn serve_logged(settings: &Settings, import_skip: bool) -> Finished {
    let fail = |cause: String| failed(Exit::Failed, &cause);
    let told = match signals() {
        Ok(told) => told,
        Err(cause) => return fail(cause),
    };
    let parts = Parts {
        clock: Arc::new(SystemClock::start()),
        disk: Arc::new(RealDisk),
        memory: Arc::new(Allocator),
        import_skip,
    };
    let server = match Server::start(settings, parts) {
        Ok(server) => server,
        Err(error) => {
            let exit = if error.is_damage() { Exit::Damaged } else { Exit::Failed };
            return failed(exit, &error.to_string());
        }
    };
    if let Source::Go(summary) = &server.loaded().source {
        let warn = |note: &String| {
            log::event(Level::Warn, "import", format_args!("{note}"), &[("left_out", summary.skipped.into())])
        };
        summary.notes.iter().for_each(warn);
    }
    let reached: Vec<ListenOn> =
        settings.config.endpoints().into_iter().filter(|endpoint| !endpoint.is_local()).collect();
    if !reached.is_empty() && settings.config.asks_for_no_token() {
        let text = format_args!(
            "listening on {}: whoever reaches this address can read and write everything; put a line of \
             'memory-tools token new --role admin' into a file and name it, as in --tokens-file /etc/memory-tools/tokens, \
             or listen on 127.0.0.1",
            ListenOn::format_list(&reached)
        );
        log::event(Level::Warn, "open_to_everybody", text, &[]);
    }
    let supervisor = Arc::new(Supervisor::of_environment());
    let watch = match server.watched_by(&supervisor) {
        Ok(watch) => watch,
        Err(error) => return fail(error.to_string()),
    };
    match settings.config.log_format {
        // Without a reader of standard output the server serves all the same.
        Format::Text => drop(std::io::stdout().lock().write_all(banner(settings, &server).as_bytes())),
        Format::Json => log_started(settings, &server),
    }
    loop {
        let signal = select! {
            recv(told) -> signal => signal,
            recv(server.failed()) -> cause => match cause {
                Ok(cause) => return fail(format!("the disk refuses the journal, as on_journal_error says: {cause}")),
                Err(_) => told.recv(),
            },
        };
        // An error means that the handlers are gone, which only the end of the process brings about.
        let because = match signal {
            Ok(Signal::Reload) => None,
            Ok(Signal::Stop(name)) => Some(name),
            Err(_) => Some("nothing"),
        };
        if let Some(because) = because {
            supervisor.stopping();
            let stopped = stop(server, because);
            drop(watch);
            return stopped;
        }
        // What came of it is in the log.
        supervisor.reloading(|| server.reload());
    }
}

fn stop(server: Server, because: &str) -> Finished {
    let begun = Instant::now();
    server.stop_accepting();
    log::event(
        Level::Info,
        "stopping",
        format_args!("stopping: answering what has begun, then the last snapshot; a second signal skips that"),
        &[("signal", because.into()), ("documents", server.documents().into())],
    );
    match server.stop() {
        Ok(stopped) => {
            let mut text = String::from("stopped");
            if !stopped.drained.finished {
                let _ = write!(text, "; {} connections were cut off by shutdown_timeout", stopped.drained.open);
            }
            match stopped.snapshot {
                Some(report) => {
                    let (documents, millis) = (report.documents, report.duration.as_millis());
                    let _ = write!(text, "; last snapshot: {documents} documents in {millis} ms");
                }
                None => text.push_str("; nothing had changed since the last snapshot"),
            }
            let cut_off = if stopped.drained.finished { 0 } else { stopped.drained.open };
            log::event(
                Level::Info,
                "stopped",
                format_args!("{text}"),
                &[
                    ("took_ms", begun.elapsed().into()),
                    ("connections_cut_off", Value::Said(&cut_off.into())),
                    ("snapshot_bytes", stopped.snapshot.map(|report| report.bytes).into()),
                    ("snapshot_documents", Value::Said(&stopped.snapshot.map(|report| report.documents).into())),
                    ("snapshot_ms", Value::Said(&stopped.snapshot.map(|report| report.duration).into())),
                ],
            );
            Finished::done("")
        }
        Err(error) => failed(Exit::Failed, &error.to_string()),
    }
}

/// The end because of `cause`, which is said in the log where somebody collects that, else to the terminal.
fn failed(exit: Exit, cause: &str) -> Finished {
    match log::Options::current() {
        log::Options { format: Format::Text, has_priorities: false, .. } => {
            Finished::because(exit, [format!("error: {cause}")])
        }
        log::Options { .. } => {
            log::event(
                Level::Error,
                "failed",
                format_args!("{cause}"),
                &[("exit_code", u32::from(exit.code()).into())],
            );
            Finished::because::<&str>(exit, [])
        }
    }
}
