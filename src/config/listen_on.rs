//! The elements of the option `listen`: a TCP address as `port` takes it, or `unix:` and the path of a socket.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::base::limits::{ENDPOINTS_MAX, SOCKET_PATH_BYTES_MAX};

use super::listen::{Listen, ListenFault};

/// Who may connect to a Unix socket unless its element says otherwise: its owner.
const MODE_DEFAULT: u32 = 0o600;

/// Every bit that a mode may have.
const MODE_MAX: u32 = 0o777;

const UNIX: &str = "unix:";

/// A place to listen on, as configured. Displays as it is written in config.json.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenOn {
    /// An address of TCP.
    Tcp(Listen),
    /// A socket in the file system.
    Unix {
        /// Its absolute path, at most `SOCKET_PATH_BYTES_MAX` bytes.
        path: PathBuf,
        /// The permission bits of its file: who may write it may connect.
        mode: u32,
    },
}

/// Why a text names no places to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenOnFault {
    /// An address of TCP that is none.
    #[error("{element:?}: {fault}")]
    Tcp {
        /// The element.
        element: String,
        /// What is wrong with it.
        fault: ListenFault,
    },
    /// The path does not begin at the root.
    #[error("{0:?}: a Unix socket has an absolute path, as in \"unix:/run/memory-tools.sock\"")]
    NotAbsolute(String),
    /// The kernel has no room for the path.
    #[error("{element:?}: the path has {bytes} bytes, a Unix socket's has at most {SOCKET_PATH_BYTES_MAX}")]
    PathTooLong {
        /// The element.
        element: String,
        /// The path's length.
        bytes: usize,
    },
    /// Something behind the question mark that is not `mode=` and an octal number in range.
    #[error(
        "{0:?}: behind the \"?\" stands a mode in octal, 0 to 0777, as in \"unix:/run/memory-tools.sock?mode=0660\""
    )]
    BadMode(String),
    /// A comma within an element: neither addresses nor our paths have one.
    #[error("{0:?} has a comma in it, write two elements")]
    Comma(String),
    /// Nothing between two commas.
    #[error("an element is empty")]
    EmptyElement,
    /// The same place once more.
    #[error("{0} stands there twice")]
    Twice(String),
    /// More places than anybody needs.
    #[error("{0} elements, at most {ENDPOINTS_MAX} are listened on")]
    TooMany(usize),
}

impl ListenOn {
    /// Reads `127.0.0.1:8080` and what else `Listen` takes, `unix:/run/mt.sock` or `unix:/run/mt.sock?mode=0660`.
    ///
    /// # Errors
    /// What is wrong and how it should be written.
    pub fn parse(text: &str) -> Result<ListenOn, ListenOnFault> {
        match text.strip_prefix(UNIX) {
            Some(socket) => parse_unix(text, socket),
            None => Listen::parse(text)
                .map(ListenOn::Tcp)
                .map_err(|fault| ListenOnFault::Tcp { element: text.to_owned(), fault }),
        }
    }

    /// Reads elements with commas between them; an empty text has none.
    ///
    /// # Errors
    /// What is wrong with the first that is wrong.
    pub fn parse_list(text: &str) -> Result<Vec<ListenOn>, ListenOnFault> {
        let mut elements: Vec<ListenOn> = Vec::new();
        if text.trim().is_empty() {
            return Ok(elements);
        }
        let count = text.split(',').count();
        if count > ENDPOINTS_MAX {
            return Err(ListenOnFault::TooMany(count));
        }
        for text in text.split(',').map(str::trim) {
            if text.is_empty() {
                return Err(ListenOnFault::EmptyElement);
            }
            let element = ListenOn::parse(text)?;
            if elements.iter().any(|earlier| earlier.is_same_place(&element)) {
                return Err(ListenOnFault::Twice(element.to_string()));
            }
            elements.push(element);
        }
        Ok(elements)
    }

    /// The elements `texts`, which came one by one, as `parse_list` takes them.
    ///
    /// # Errors
    /// An element that would not stay one.
    pub fn join(texts: &[String]) -> Result<String, ListenOnFault> {
        if let Some(text) = texts.iter().find(|text| text.contains(',')) {
            return Err(ListenOnFault::Comma(text.clone()));
        }
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err(ListenOnFault::EmptyElement);
        }
        Ok(texts.join(","))
    }

    /// Writes elements as `parse_list` reads them.
    pub fn format_list(elements: &[ListenOn]) -> String {
        elements.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    /// True when only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            ListenOn::Tcp(listen) => listen.is_loopback(),
            ListenOn::Unix { .. } => true,
        }
    }

    /// The system chooses a port of its own for each 0, so two of these are two places.
    fn is_same_place(&self, other: &ListenOn) -> bool {
        match (self, other) {
            (ListenOn::Tcp(one), ListenOn::Tcp(other)) => one == other && one.port != 0,
            (ListenOn::Unix { path: one, .. }, ListenOn::Unix { path: other, .. }) => one == other,
            _ => false,
        }
    }
}

impl fmt::Display for ListenOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenOn::Tcp(listen) => listen.fmt(f),
            ListenOn::Unix { path, mode: MODE_DEFAULT } => write!(f, "{UNIX}{}", path.display()),
            ListenOn::Unix { path, mode } => write!(f, "{UNIX}{}?mode={mode:04o}", path.display()),
        }
    }
}

/// Reads `socket`, what follows `unix:` in `element`.
fn parse_unix(element: &str, socket: &str) -> Result<ListenOn, ListenOnFault> {
    let (path, mode) = match socket.split_once('?') {
        Some((path, parameters)) => {
            let mode = parameters.strip_prefix("mode=").and_then(parse_mode);
            (path, mode.ok_or_else(|| ListenOnFault::BadMode(element.to_owned()))?)
        }
        None => (socket, MODE_DEFAULT),
    };
    if !Path::new(path).is_absolute() || path.ends_with('/') || path.contains('\0') {
        return Err(ListenOnFault::NotAbsolute(element.to_owned()));
    }
    if path.len() > SOCKET_PATH_BYTES_MAX {
        return Err(ListenOnFault::PathTooLong { element: element.to_owned(), bytes: path.len() });
    }
    Ok(ListenOn::Unix { path: PathBuf::from(path), mode })
}

fn parse_mode(text: &str) -> Option<u32> {
    let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= MODE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(path: &str, mode: u32) -> ListenOn {
        ListenOn::Unix { path: PathBuf::from(path), mode }
    }

    #[test]
    fn elements_are_shown_as_they_are_written() {
        for text in ["", ":8080", "127.0.0.1:80,unix:/run/mt.sock", "unix:/a?mode=0660,[::1]:0,unix:/b?mode=0000"] {
            assert_eq!(ListenOn::format_list(&ListenOn::parse_list(text).unwrap()), text);
        }
    }

    #[test]
    fn a_socket_is_its_owners_unless_its_mode_says_otherwise() {
        for (text, mode) in [
            ("unix:/run/mt.sock", 0o600),
            ("unix:/run/mt.sock?mode=0600", 0o600),
            ("unix:/run/mt.sock?mode=660", 0o660),
            ("unix:/run/mt.sock?mode=0777", 0o777),
            ("unix:/run/mt.sock?mode=0", 0),
        ] {
            assert_eq!(ListenOn::parse(text), Ok(unix("/run/mt.sock", mode)), "{text}");
        }
    }

    #[test]
    fn white_space_around_commas_and_an_empty_list_are_read() {
        assert_eq!(ListenOn::parse_list(" :1 , unix:/a "), ListenOn::parse_list(":1,unix:/a"));
        assert_eq!(ListenOn::parse_list(" "), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_with_an_element_is_named() {
        let owned = str::to_owned;
        let long = format!("unix:/{}", "x".repeat(SOCKET_PATH_BYTES_MAX));
        let many = vec![":0"; ENDPOINTS_MAX + 1].join(",");
        for (text, fault) in [
            ("unix:", ListenOnFault::NotAbsolute(owned("unix:"))),
            ("unix:run/mt.sock", ListenOnFault::NotAbsolute(owned("unix:run/mt.sock"))),
            ("unix:@abstract", ListenOnFault::NotAbsolute(owned("unix:@abstract"))),
            ("unix:/run/", ListenOnFault::NotAbsolute(owned("unix:/run/"))),
            ("unix:/a?mode=", ListenOnFault::BadMode(owned("unix:/a?mode="))),
            ("unix:/a?mode=+660", ListenOnFault::BadMode(owned("unix:/a?mode=+660"))),
            ("unix:/a?mode=0o660", ListenOnFault::BadMode(owned("unix:/a?mode=0o660"))),
            ("unix:/a?mode=680", ListenOnFault::BadMode(owned("unix:/a?mode=680"))),
            ("unix:/a?mode=1777", ListenOnFault::BadMode(owned("unix:/a?mode=1777"))),
            ("unix:/a?owner=me", ListenOnFault::BadMode(owned("unix:/a?owner=me"))),
            (long.as_str(), ListenOnFault::PathTooLong { element: long.clone(), bytes: SOCKET_PATH_BYTES_MAX + 1 }),
            (":1,", ListenOnFault::EmptyElement),
            (",", ListenOnFault::EmptyElement),
            (":1,:2,:1", ListenOnFault::Twice(owned(":1"))),
            ("unix:/a,unix:/a?mode=0660", ListenOnFault::Twice(owned("unix:/a?mode=0660"))),
            (many.as_str(), ListenOnFault::TooMany(ENDPOINTS_MAX + 1)),
        ] {
            assert_eq!(ListenOn::parse_list(text), Err(fault), "{text}");
        }
        let fault = ListenOn::parse_list(":1,9090").unwrap_err().to_string();
        assert!(fault.starts_with("\"9090\": it has no ':'"), "{fault}");
    }

    #[test]
    fn two_ports_that_the_system_chooses_are_two_places() {
        assert_eq!(ListenOn::parse_list("127.0.0.1:0,127.0.0.1:0").unwrap().len(), 2);
    }

    #[test]
    fn the_longest_path_has_room_in_an_address_of_the_kernel() {
        let path = format!("/{}", "x".repeat(SOCKET_PATH_BYTES_MAX - 1));
        assert!(std::os::unix::net::SocketAddr::from_pathname(&path).is_ok());
        assert!(std::os::unix::net::SocketAddr::from_pathname(path + "x").is_err());
    }
}
