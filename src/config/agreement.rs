//! What options ask of one another. By now each is within its own range.
//!
//! `port` and `listen` are two forms of one answer: the later source's holds, as with every option.
//! Only what would be a surprise or a hole is refused: two answers to one question, half of a pair, a promise that the
//! chosen front cannot keep. An option that the chosen front has no use for is none of that; the table says so.

use super::choice::{Front, Journal};
use super::error::{ConfigError, Origin};
use super::listen_on::ListenOn;
use super::load::Settings;
use super::size::format_size;

/// What a value does not go with, worded to stand behind the option that has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// One source gives both forms of where to listen.
    #[error("port is given too ({port}), the short form for one address; take one of the two out")]
    PortAndListen {
        /// Where `port` came from.
        port: Origin,
    },
    /// One half of what TLS needs.
    #[error("{missing} is missing, TLS needs both")]
    HalfOfTls {
        /// The other half.
        missing: &'static str,
    },
    /// Tokens in two places.
    #[error("tokens are given too ({tokens}); keep them in one of the two places")]
    TokensTwice {
        /// Where `tokens` came from.
        tokens: Origin,
    },
    /// The pool front cannot listen there.
    #[error("front \"pool\" ({front}) listens on one TCP address, found {}", Found(*.elements, .socket.as_ref()))]
    NotForThePool {
        /// Where `front` came from.
        front: Origin,
        /// How many elements there are.
        elements: usize,
        /// The first that is a Unix socket.
        socket: Option<ListenOn>,
    },
    /// The pool front would send in the clear.
    #[error("front \"pool\" ({front}) has no TLS")]
    NoTlsInThePool {
        /// Where `front` came from.
        front: Origin,
    },
    /// The largest document could never arrive.
    #[error("less than document_bytes_max, which is {} ({document})", format_size(*.document_bytes_max))]
    LessThanADocument {
        /// The size of a document.
        document_bytes_max: usize,
        /// Where that came from.
        document: Origin,
    },
    /// The largest document could never be journaled.
    #[error("less than twice document_bytes_max, which is {} ({document}); one half is written while the other fills",
        format_size(*.document_bytes_max))]
    LessThanTwoDocuments {
        /// The size of a document.
        document_bytes_max: usize,
        /// Where that came from.
        document: Origin,
    },
}

/// What there is where one TCP address should be.
struct Found<'a>(usize, Option<&'a ListenOn>);

impl std::fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.1 {
            Some(socket) => write!(f, "the Unix socket {socket}"),
            None => write!(f, "{} of them", self.0),
        }
    }
}

/// Has a `port` of a later source take the place of an earlier `listen`.
pub(super) fn settle(settings: &mut Settings) {
    let port = settings.origin("port");
    if settings.config.listen.is_empty() || port.rank() <= settings.origin("listen").rank() {
        return;
    }
    settings.config.listen = Vec::new();
    if let Some(listen) = settings.settings.iter_mut().find(|setting| setting.option.name == "listen") {
        listen.json = listen.option.default_json();
        listen.origin = port;
    }
}

/// Every pair of values that does not go together, at the place of the one that has to give way.
pub(super) fn clashes(settings: &Settings) -> Vec<ConfigError> {
    let config = &settings.config;
    let (front, port) = (settings.origin("front"), settings.origin("port"));
    let mut found = Vec::new();
    let mut clash = |name, clash| {
        found.push(ConfigError::Clash { origin: settings.origin(name), name, clash: Box::new(clash) });
    };
    if !config.listen.is_empty() && port.rank() == settings.origin("listen").rank() {
        clash("listen", Clash::PortAndListen { port });
    }
    match (&config.tls_cert, &config.tls_key) {
        (Some(_), None) => clash("tls_cert", Clash::HalfOfTls { missing: "tls_key" }),
        (None, Some(_)) => clash("tls_key", Clash::HalfOfTls { missing: "tls_cert" }),
        (Some(_), Some(_)) | (None, None) => {}
    }
    if config.tokens_file.is_some() && !config.tokens.is_empty() {
        clash("tokens_file", Clash::TokensTwice { tokens: settings.origin("tokens") });
    }
    match config.front {
        Front::Reactor => {}
        Front::Pool => {
            let socket = config.listen.iter().find(|element| matches!(element, ListenOn::Unix { .. })).cloned();
            let elements = config.listen.len();
            if elements > 1 || socket.is_some() {
                clash("listen", Clash::NotForThePool { front: front.clone(), elements, socket });
            }
            if config.tls_cert.is_some() {
                clash("tls_cert", Clash::NoTlsInThePool { front });
            }
        }
    }
    if config.bodies_bytes_max < config.document_bytes_max {
        let (document_bytes_max, document) = (config.document_bytes_max, settings.origin("document_bytes_max"));
        clash("bodies_bytes_max", Clash::LessThanADocument { document_bytes_max, document });
    }
    if config.journal != Journal::Off && config.journal_buffer_bytes / 2 < config.document_bytes_max {
        let (document_bytes_max, document) = (config.document_bytes_max, settings.origin("document_bytes_max"));
        clash("journal_buffer_bytes", Clash::LessThanTwoDocuments { document_bytes_max, document });
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::config::{Sources, load};

    /// The errors of a config file, two flags and a variable.
    fn errors(file: &str, flags: &[(&str, &str)]) -> Vec<String> {
        let file = Some((PathBuf::from("config.json"), file.as_bytes().to_vec()));
        let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        match load(&Sources { file, environment: Vec::new(), flags }) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn port_and_listen_of_one_source_are_refused_with_the_place_of_both() {
        let taken_out = "the short form for one address; take one of the two out";
        assert_eq!(
            errors("{\"port\": \":1\",\n\"listen\": [\":1\"]}", &[]),
            [format!("config.json:2:11: listen: port is given too (config.json:1), {taken_out}")]
        );
        assert_eq!(
            errors("{}", &[("listen", ":2"), ("port", ":1")]),
            [format!("--listen: port is given too (flag --port), {taken_out}")]
        );
        for (file, flags) in [
            (r#"{"port": ":1", "listen": []}"#, &[][..]),
            (r#"{"listen": [":1"]}"#, &[]),
            (r#"{"listen": [":1"]}"#, &[("listen", ""), ("port", ":1")]),
        ] {
            assert_eq!(errors(file, flags), Vec::<String>::new(), "{file}");
        }
    }

    /// The shipped config.json has `port`, and so has the image's environment: no `--listen` ever worked beside them.
    #[test]
    fn of_port_and_listen_the_one_of_the_later_source_holds() {
        let (port, listen) = (r#"{"port": ":1"}"#, r#"{"listen": [":1"]}"#);
        for (file, variable, flag, expected) in [
            (port, None, Some(("listen", ":2")), "listen [\":2\"] flag --listen"),
            (listen, None, Some(("port", ":2")), "port [] flag --port"),
            (listen, Some(("PORT", ":2")), None, "port [] environment MEMORY_TOOLS_PORT"),
            (port, Some(("LISTEN", ":2")), None, "listen [\":2\"] environment MEMORY_TOOLS_LISTEN"),
            ("{}", Some(("PORT", ":1")), Some(("listen", ":2")), "listen [\":2\"] flag --listen"),
            ("{}", Some(("LISTEN", ":1")), Some(("port", ":2")), "port [] flag --port"),
            (port, None, Some(("listen", "")), "port [] flag --listen"),
        ] {
            let file = Some((PathBuf::from("config.json"), file.as_bytes().to_vec()));
            let environment = variable.map(|(name, value)| (format!("MEMORY_TOOLS_{name}"), value.to_owned()));
            let flags = flag.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let sources = Sources { file, environment: Vec::from_iter(environment), flags: Vec::from_iter(flags) };
            let settings = load(&sources).unwrap();
            let shown = settings.settings.iter().find(|setting| setting.option.name == "listen").unwrap();
            let found = format!("{} {} {}", settings.config.endpoints_option(), shown.json, shown.origin);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_pool_listens_on_one_tcp_address_without_tls() {
        for (file, error) in [
            (
                r#"{"front": "pool", "listen": [":1", ":2"]}"#,
                "config.json:1:29: listen: front \"pool\" (config.json:1) listens on one TCP address, found 2 of them",
            ),
            (
                r#"{"front": "pool", "listen": ["unix:/a"]}"#,
                "config.json:1:29: listen: front \"pool\" (config.json:1) listens on one TCP address, found the Unix \
                 socket unix:/a",
            ),
            (
                r#"{"front": "pool", "tls_cert": "c", "tls_key": "k"}"#,
                "config.json:1:31: tls_cert: front \"pool\" (config.json:1) has no TLS",
            ),
        ] {
            assert_eq!(errors(file, &[]), [error], "{file}");
        }
    }

    #[test]
    fn half_of_tls_is_refused_by_the_name_of_the_other_half() {
        let missing = errors("{}", &[("tls-cert", "c")]);
        assert!(missing.contains(&"--tls-cert: tls_key is missing, TLS needs both".to_owned()), "{missing:?}");
        assert_eq!(
            errors(r#"{"tls_key": "k", "tls_cert": ""}"#, &[]),
            ["config.json:1:13: tls_key: tls_cert is missing, TLS needs both"]
        );
    }

    #[test]
    fn tokens_are_kept_in_one_place() {
        let token = r#"[{"name": "a", "role": "read", "sha256": "0000000000000000000000000000000000000000000000000000000000000000"}]"#;
        let file = format!(r#"{{"tokens_file": "/t", "tokens": {token}}}"#);
        assert_eq!(
            errors(&file, &[]),
            ["config.json:1:17: tokens_file: tokens are given too (config.json:1); keep them in one of the two places"]
        );
        for flag in [("tokens", ""), ("tokens-file", ""), ("tokens", "[]")] {
            assert_eq!(errors(&file, &[flag]), Vec::<String>::new(), "{flag:?}");
        }
    }

    #[test]
    fn bodies_on_their_way_have_room_for_the_largest_document() {
        let files = r#"{"document_bytes_max": "2MiB", "bodies_bytes_max": "1MiB"}"#;
        assert_eq!(
            errors(files, &[]),
            ["config.json:1:52: bodies_bytes_max: less than document_bytes_max, which is 2MiB (config.json:1)"]
        );
        assert_eq!(errors(files, &[("bodies-bytes-max", "2MiB")]), Vec::<String>::new());
    }

    #[test]
    fn half_of_the_journals_buffer_has_room_for_the_largest_document() {
        let file = r#"{"journal": "os", "document_bytes_max": "9MiB", "journal_buffer_bytes": "17MiB"}"#;
        assert_eq!(
            errors(file, &[]),
            ["config.json:1:73: journal_buffer_bytes: less than twice document_bytes_max, which is 9MiB \
              (config.json:1); one half is written while the other fills"]
        );
        for flag in [("journal-buffer-bytes", "18MiB"), ("document-bytes-max", "8MiB"), ("journal", "off")] {
            assert_eq!(errors(file, &[flag]), Vec::<String>::new(), "{flag:?}");
        }
    }
}
