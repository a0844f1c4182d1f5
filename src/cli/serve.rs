//! `serve`: starts the server, says so in at most eight lines, waits for a signal, stops cleanly.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use crate::base::clock::SystemClock;
use crate::base::disk::RealDisk;
use crate::base::log;
use crate::config::{Config, ConfigError, Origin, Settings, format_size};
use crate::server::{Loaded, Parts, Server, Source, signals};

use super::exit::{Exit, Finished};

/// Serves until a signal. Everything that can go wrong at the start is one line, and nothing was changed then.
pub fn serve(settings: &Result<Settings, Vec<ConfigError>>, import_skip: bool) -> Finished {
    let settings = match settings {
        Ok(settings) => settings,
        Err(errors) => return Finished::because(Exit::Usage, errors.iter().map(|error| format!("error: {error}"))),
    };
    let fail = |cause: String| Finished::because(Exit::Failed, [format!("error: {cause}")]);
    let told = match signals() {
        Ok(told) => told,
        Err(cause) => return fail(cause),
    };
    let parts = Parts { clock: Arc::new(SystemClock::start()), disk: Arc::new(RealDisk), import_skip };
    let server = match Server::start(&settings.config, parts) {
        Ok(server) => server,
        Err(error) => {
            let exit = if error.is_damage() { Exit::Damaged } else { Exit::Failed };
            return Finished::because(exit, [format!("error: {error}")]);
        }
    };
    if let Source::Go(summary) = &server.loaded().source {
        summary.notes.iter().for_each(|note| log::warn(format_args!("{note}")));
    }
    if !settings.config.port.is_loopback() {
        log::warn(format_args!(
            "listening on {}: whoever reaches this address can read and write everything; keep it behind a proxy or \
             listen on 127.0.0.1",
            settings.config.port
        ));
    }
    // Without a reader of standard output the server serves all the same.
    let _ = std::io::stdout().lock().write_all(banner(settings, &server).as_bytes());
    // An error means that the handler is gone, which only the end of the process brings about.
    let _ = told.recv();
    stop(server)
}

fn stop(server: Server) -> Finished {
    server.stop_accepting();
    log::info(format_args!("stopping: answering what has begun, then the last snapshot; a second signal skips that"));
    match server.stop() {
        Ok(stopped) => {
            let mut text = String::from("memory-tools: stopped");
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
            Finished { stdout: String::new(), stderr: text + "\n", exit: Exit::Done }
        }
        Err(error) => Finished::because(Exit::Failed, [format!("error: {error}")]),
    }
}

/// What a newcomer wants to know, in at most eight lines.
fn banner(settings: &Settings, server: &Server) -> String {
    let config = &settings.config;
    let url = server.url();
    [
        format!("memory-tools {}, pid {}", env!("CARGO_PKG_VERSION"), std::process::id()),
        format!("configuration  {}", origin(settings)),
        format!("data           {}: {}", config.data_dir.display(), loaded(server.loaded())),
        format!("snapshots      {}", snapshots(config)),
        "journal        off: a crash loses what came after the last snapshot".to_owned(),
        format!(
            "limits         {} a document, {} connections, {} collections",
            format_size(config.document_bytes_max),
            config.pool_threads,
            config.collections_max
        ),
        format!("ready          {url} in {} ms", server.loaded().duration.as_millis()),
        format!("try            curl -X PUT {url}/v1/docs/hello -d '{{\"hello\":\"world\"}}'"),
    ]
    .join("\n")
        + "\n"
}

fn origin(settings: &Settings) -> String {
    let mut file = None;
    let mut given = 0;
    for setting in &settings.settings {
        match &setting.origin {
            Origin::Default => {}
            Origin::File(position) => file = Some(position.path.as_str()),
            Origin::Environment(_) | Origin::Flag(_) => given += 1,
        }
    }
    let beside = match given {
        0 => String::new(),
        count => format!(", {count} from the environment and flags"),
    };
    match file {
        Some(path) => format!("{path}{beside}"),
        None => format!("defaults, no config file{beside}"),
    }
}

fn loaded(loaded: &Loaded) -> String {
    let counts = format!("{} documents in the main store and {} collections", loaded.documents, loaded.collections);
    match &loaded.source {
        Source::Nothing => "empty".to_owned(),
        Source::Snapshot { bytes, expired: 0 } => format!("{counts}, from a snapshot of {bytes} bytes"),
        Source::Snapshot { bytes, expired } => {
            format!("{counts}, from a snapshot of {bytes} bytes; {expired} had expired")
        }
        Source::Go(summary) => format!("{counts}, imported from the Go server, {} left out", summary.skipped),
    }
}

fn snapshots(config: &Config) -> String {
    let interval = crate::base::duration::GoDuration::from(config.snapshot_interval);
    if config.enable_snapshots {
        format!("every {interval} when something changed, on POST /v1/admin/snapshot, and at a clean stop")
    } else {
        "on POST /v1/admin/snapshot and at a clean stop; none on schedule".to_owned()
    }
}
