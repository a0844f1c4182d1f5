//! What `serve` greets with: at most eight lines for people, one event for programs.

use std::path::Path;

use crate::base::duration::GoDuration;
use crate::base::log::{self, Level};
use crate::config::{Choice, Config, Journal, Origin, Settings, format_size};
use crate::persist::journal::Replayed;
use crate::server::{Endpoint, Loaded, Scheme, Server, Source, url_of};

/// What a newcomer wants to know, in at most eight lines.
pub(super) fn banner(settings: &Settings, server: &Server) -> String {
    let config = &settings.config;
    let endpoints = server.endpoints();
    let (_, connections) = config.connections();
    [
        format!("memory-tools {}, pid {}", env!("CARGO_PKG_VERSION"), std::process::id()),
        format!("configuration  {}", origin(settings)),
        format!("data           {}: {}", config.data_dir.display(), loaded(server.loaded())),
        format!("snapshots      {}", snapshots(config)),
        format!("journal        {}: {}", config.journal.name(), what_is_lost(config.journal)),
        format!(
            "limits         {} a document, {} connections, {} collections, {}",
            format_size(config.document_bytes_max),
            connections,
            config.collections_max,
            server.memory_limit_bytes().map_or_else(|| "none of memory".to_owned(), in_mebibytes),
        ),
        format!(
            "ready          {} in {} ms",
            places(&endpoints, Scheme::of(config)),
            server.loaded().duration.as_millis()
        ),
        format!("try            {}/v1/docs/hello -d '{{\"hello\":\"world\"}}'", put(&endpoints, config)),
    ]
    .join("\n")
        + "\n"
}

/// The same as an event.
pub(super) fn log_started(settings: &Settings, server: &Server) {
    let (config, loaded) = (&settings.config, server.loaded());
    let snapshot_bytes = match loaded.source {
        Source::Snapshot { bytes, .. } => Some(bytes),
        Source::Nothing | Source::Go(_) => None,
    };
    let places = places(&server.endpoints(), Scheme::of(config));
    log::event(
        Level::Info,
        "started",
        format_args!("memory-tools {} serves {places}", env!("CARGO_PKG_VERSION")),
        &[
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("pid", std::process::id().into()),
            ("listen", (&places).into()),
            ("configuration", (&origin(settings)).into()),
            ("data_dir", log::Value::Shown(&config.data_dir.display())),
            ("journal", config.journal.name().into()),
            ("documents", loaded.documents.into()),
            ("collections", loaded.collections.into()),
            ("expired", loaded.expired.into()),
            ("snapshot_bytes", snapshot_bytes.into()),
            ("replayed_records", loaded.replayed.records.into()),
            ("replayed_bytes", loaded.replayed.bytes.into()),
            ("connections_max", config.connections().1.into()),
            ("took_ms", loaded.duration.into()),
        ],
    );
}

/// A size of memory as people read it: no byte of it is worth a digit.
fn in_mebibytes(bytes: u64) -> String {
    format!("{} MiB of memory", bytes >> 20)
}

/// Where the server is reached, all on one line.
fn places(endpoints: &[Endpoint], scheme: Scheme) -> String {
    let place = |endpoint: &Endpoint| match endpoint {
        Endpoint::Tcp(_) => url_of(endpoint, scheme),
        Endpoint::Unix(_) => endpoint.to_string(),
    };
    endpoints.iter().map(place).collect::<Vec<_>>().join(", ")
}

/// The call of curl that puts something to the first of the endpoints, up to the path.
fn put(endpoints: &[Endpoint], config: &Config) -> String {
    let url = endpoints.first().map(|endpoint| url_of(endpoint, Scheme::of(config))).unwrap_or_default();
    match (endpoints.first(), &config.tls_cert) {
        (Some(Endpoint::Unix(path)), _) => format!("curl --unix-socket {} -X PUT {url}", quoted(path)),
        (_, Some(cert)) => format!("curl --cacert {} -X PUT {url}", quoted(cert)),
        (_, None) => format!("curl -X PUT {url}"),
    }
}

/// A path as a shell reads it: between quotes, which a quote of its own ends and begins again.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
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
    let mut origins = Vec::new();
    match &loaded.source {
        Source::Nothing => {}
        Source::Snapshot { bytes, .. } => origins.push(format!("from a snapshot of {bytes} bytes")),
        Source::Go(summary) => origins.push(format!("imported from the Go server, {} left out", summary.skipped)),
    }
    if loaded.replayed.records > 0 {
        let Replayed { records, bytes } = loaded.replayed;
        origins.push(format!("from {records} records of a journal of {bytes} bytes"));
    }
    if origins.is_empty() {
        return "empty".to_owned();
    }
    let expired = if loaded.expired == 0 { String::new() } else { format!("; {} had expired", loaded.expired) };
    let (documents, collections) = (loaded.documents, loaded.collections);
    format!("{documents} documents in the main store and {collections} collections, {}{expired}", origins.join(" and "))
}

fn what_is_lost(journal: Journal) -> &'static str {
    match journal {
        Journal::Always => "neither a crash nor a loss of power loses an acknowledged write",
        Journal::Everysec => "a crash loses nothing, a loss of power the last second",
        Journal::Os => "a crash loses nothing, a loss of power what the kernel had not written",
        Journal::Off => "a crash loses what came after the last snapshot",
    }
}

fn snapshots(config: &Config) -> String {
    let interval = GoDuration::from(config.snapshot_interval);
    if config.enable_snapshots {
        format!("every {interval} when something changed, on POST /v1/admin/snapshot, and at a clean stop")
    } else {
        "on POST /v1/admin/snapshot and at a clean stop; none on schedule".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    fn config(flags: &[(&str, &str)]) -> Config {
        let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        load(&Sources { flags, ..Sources::default() }).unwrap().config
    }

    #[test]
    fn every_endpoint_is_on_one_line_and_the_first_is_the_one_to_try() {
        let tcp = Endpoint::Tcp("0.0.0.0:80".parse().unwrap());
        let unix = Endpoint::Unix("/run/it's.sock".into());
        let plain = config(&[]);
        let tls = config(&[("front", "reactor"), ("tls-cert", "/etc/it's.pem"), ("tls-key", "k")]);
        let (first_tcp, first_unix) = ([tcp.clone(), unix.clone()], [unix, tcp]);
        assert_eq!(places(&first_tcp, Scheme::Http), "http://127.0.0.1:80, unix:/run/it's.sock");
        assert_eq!(places(&first_tcp, Scheme::Https), "https://127.0.0.1:80, unix:/run/it's.sock");
        assert_eq!(put(&first_tcp, &plain), "curl -X PUT http://127.0.0.1:80");
        assert_eq!(put(&first_tcp, &tls), "curl --cacert '/etc/it'\\''s.pem' -X PUT https://127.0.0.1:80");
        for config in [plain, tls] {
            let over_unix = "curl --unix-socket '/run/it'\\''s.sock' -X PUT http://localhost";
            assert_eq!(put(&first_unix, &config), over_unix);
        }
    }
}
