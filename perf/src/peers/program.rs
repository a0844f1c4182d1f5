//! How the others are made to serve as we do: one thread, loopback, nothing logged, nothing written to disk, the same
//! bytes with the same type. Their files are in their scratch folders; they are looked for where Debian puts them.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::child::{Knock, Program, Serve};
use crate::front;
use crate::options::{Front, Options};
use crate::template::Template;

/// Folders of servers that a user's PATH may leave out.
const SERVER_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// How long a Redis may load its files.
const LOADING_MAX: Duration = Duration::from_secs(300);

/// The longest text that nginx takes from its configuration, with room for the rest of its line.
const NGINX_TEXT_BYTES_MAX: usize = 4000;

/// Our server with the front asked for and one thread that serves.
pub fn ours(options: &Options) -> Program {
    let mut program = front::server(options);
    let threads = match options.front {
        Front::Reactor => ["--reactor-threads".to_owned(), "1".to_owned()],
        Front::Pool => ["--pool-threads".to_owned(), options.busy.max(options.connections).to_string()],
    };
    let chosen = ["--front".to_owned(), options.front.name().to_owned()].into_iter().chain(threads);
    program.arguments.splice(0..0, chosen.map(OsString::from));
    program
}

/// The binary `name`, if it is installed.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(SERVER_FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// nginx, answering every request with `body`.
#[derive(Debug)]
pub struct Nginx {
    binary: PathBuf,
    body: String,
}

impl Nginx {
    /// Of the binary `binary`, answering with `document` of key 0.
    ///
    /// # Errors
    /// The document does not fit into its configuration.
    pub fn new(binary: PathBuf, document: &Template) -> Result<Nginx> {
        let body = String::from_utf8(document.zero().to_vec())?;
        ensure!(body.len() <= NGINX_TEXT_BYTES_MAX, "nginx can return no more than {NGINX_TEXT_BYTES_MAX} bytes");
        ensure!(!body.contains(['\'', '\\', '$']), "nginx would read the document otherwise");
        Ok(Nginx { binary, body })
    }

    /// Nothing is tuned for or against it: connections stay, and no file is written.
    fn configuration(&self, address: SocketAddr) -> String {
        format!(
            "daemon off;\n\
             worker_processes 1;\n\
             pid nginx.pid;\n\
             error_log stderr warn;\n\
             events {{ worker_connections 16384; }}\n\
             http {{\n\
             access_log off;\n\
             client_body_temp_path temp-body; proxy_temp_path temp-proxy; fastcgi_temp_path temp-fastcgi;\n\
             uwsgi_temp_path temp-uwsgi; scgi_temp_path temp-scgi;\n\
             keepalive_timeout 1h; keepalive_requests 4000000000;\n\
             default_type application/json;\n\
             server {{ listen {address} backlog=4096; location / {{ return 200 '{}'; }} }}\n\
             }}\n",
            self.body
        )
    }
}

impl Serve for Nginx {
    fn binary(&self) -> &Path {
        &self.binary
    }

    fn arguments(&self, address: SocketAddr, scratch: &Path) -> Result<Vec<OsString>> {
        let file = scratch.join("nginx.conf");
        fs::write(&file, self.configuration(address))?;
        Ok(vec!["-p".into(), scratch.into(), "-e".into(), "stderr".into(), "-c".into(), file.into()])
    }

    fn knock(&self, address: SocketAddr) -> Knock {
        Knock::http(address, "/")
    }
}

/// Redis, writing a snapshot only when told to.
#[derive(Clone, Debug)]
pub struct Redis {
    /// The binary.
    pub binary: PathBuf,
    /// Its `appendfsync`, with its log of writes on; `None` without one.
    pub append: Option<&'static str>,
    /// Where its files are, if they are to outlive it.
    pub folder: Option<PathBuf>,
}

impl Redis {
    /// Of the binary `binary`, keeping nothing on disk.
    pub fn volatile(binary: PathBuf) -> Redis {
        Redis { binary, append: None, folder: None }
    }
}

impl Serve for Redis {
    fn binary(&self) -> &Path {
        &self.binary
    }

    fn arguments(&self, address: SocketAddr, scratch: &Path) -> Result<Vec<OsString>> {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let mut arguments = vec!["--bind", &host, "--port", &port, "--save", "", "--daemonize", "no"];
        match self.append {
            // It would begin its log anew by itself, which takes a process and its time.
            Some(when) => {
                arguments.extend(["--appendonly", "yes", "--appendfsync", when, "--auto-aof-rewrite-percentage", "0"])
            }
            None => arguments.extend(["--appendonly", "no"]),
        }
        arguments.push("--dir");
        let folder = self.folder.as_deref().unwrap_or(scratch);
        Ok(arguments.into_iter().map(OsString::from).chain([folder.into()]).collect())
    }

    fn patience(&self) -> Duration {
        LOADING_MAX
    }

    fn knock(&self, _: SocketAddr) -> Knock {
        Knock::redis()
    }
}

/// webdis in front of the Redis at `redis`.
#[derive(Debug)]
pub struct Webdis {
    /// The binary.
    pub binary: PathBuf,
    /// Where its Redis listens.
    pub redis: SocketAddr,
}

impl Serve for Webdis {
    fn binary(&self) -> &Path {
        &self.binary
    }

    fn arguments(&self, address: SocketAddr, scratch: &Path) -> Result<Vec<OsString>> {
        let configuration = json!({
            "http_host": address.ip().to_string(), "http_port": address.port(), "http_max_request_size": 1 << 27,
            "redis_host": self.redis.ip().to_string(), "redis_port": self.redis.port(), "redis_auth": null,
            "threads": 1, "pool_size": 20, "daemonize": false, "websockets": false, "database": 0,
            "verbosity": 0, "logfile": scratch.join("webdis.log"),
        });
        let file = scratch.join("webdis.json");
        fs::write(&file, configuration.to_string())?;
        Ok(vec![file.into()])
    }

    fn knock(&self, address: SocketAddr) -> Knock {
        Knock::http(address, "/PING")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::document;

    #[test]
    fn our_front_comes_first_so_that_the_command_line_can_overrule_it() {
        let options = Options {
            front: Front::Reactor,
            server_arguments: vec!["--reactor-threads=2".into()],
            ..Options::default()
        };
        let arguments = ours(&options).arguments;
        assert_eq!(&arguments[..4], ["--front", "reactor", "--reactor-threads", "1"]);
        assert_eq!(arguments.last().unwrap(), "--reactor-threads=2");
        let pool = ours(&Options { front: Front::Pool, busy: 300, ..Options::default() }).arguments;
        assert_eq!(&pool[..4], ["--front", "pool", "--pool-threads", "300"]);
    }

    #[test]
    fn nginx_takes_only_a_document_that_it_gives_back_unchanged() {
        let nginx = |body: &[u8]| Nginx::new("nginx".into(), &Template::new(body.to_vec()));
        let configuration = Nginx::new("nginx".into(), &document(1000).unwrap())
            .unwrap()
            .configuration("127.0.0.1:81".parse().unwrap());
        assert!(configuration.contains("listen 127.0.0.1:81 backlog=4096; location / { return 200 '{\"id\":\"key:0"));
        for body in [&b"{\"price\":\"$5\"}"[..], b"\"it's\"", b"\"a\\n\"", &[b'1'; 4001]] {
            assert!(nginx(body).is_err(), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn redis_logs_its_writes_only_when_told_when_to_sync_them() {
        let scratch = tempfile::tempdir().unwrap();
        let told = |redis: &Redis| redis.arguments("127.0.0.1:81".parse().unwrap(), scratch.path()).unwrap();
        let volatile = Redis::volatile("redis-server".into());
        assert!(told(&volatile).windows(2).any(|pair| pair == ["--appendonly", "no"]));
        assert_eq!(told(&volatile).last().unwrap(), scratch.path());
        let durable = Redis { append: Some("always"), folder: Some("/data".into()), ..volatile };
        assert!(told(&durable).windows(2).any(|pair| pair == ["--appendfsync", "always"]));
        assert_eq!(told(&durable).last().unwrap(), "/data");
    }

    #[test]
    fn webdis_is_told_where_its_redis_is_and_that_it_has_one_thread() {
        let scratch = tempfile::tempdir().unwrap();
        let webdis = Webdis { binary: "webdis".into(), redis: "127.0.0.1:6380".parse().unwrap() };
        let arguments = webdis.arguments("127.0.0.1:81".parse().unwrap(), scratch.path()).unwrap();
        let told: serde_json::Value = serde_json::from_slice(&fs::read(&arguments[0]).unwrap()).unwrap();
        assert_eq!((&told["http_port"], &told["redis_port"], &told["threads"]), (&json!(81), &json!(6380), &json!(1)));
    }

    #[test]
    fn only_what_is_installed_is_found() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-such-server"), None);
    }
}
