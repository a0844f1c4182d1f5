//! A backup over every door: a whole file of our own, of everything up to the LSN that it names.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use memory_tools::base::disk::RealDisk;
use memory_tools::model::{Lsn, Record};
use memory_tools::persist::SnapshotReader;
use memory_tools::server::Endpoint;

use crate::over_every_door;
use crate::scenario;
use crate::support::described;
use crate::support::door::{House, every_door};
use crate::support::scenario::{get, send};

const BACKUP: &str = "/v1/admin/backup";

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_backup_is_a_file_of_everything_up_to_its_lsn() {
    let home = tempfile::tempdir().unwrap();
    for mut door in every_door() {
        door.send("PUT", "/v1/docs/a", &[], b"[1.0]");
        door.send("PUT", "/v1/docs/gone", &[], b"1");
        door.send("POST", "/v1/collections/c", &[], b"{\"default_ttl\":\"1m\"}");
        door.send("PUT", "/v1/collections/c/docs/b", &[], format!("[{}0]", "1,".repeat(300_000)).as_bytes());
        door.send("DELETE", "/v1/docs/gone", &[], b"");
        let reply = door.send("GET", BACKUP, &[], b"");
        described::check("GET", BACKUP, &reply).unwrap_or_else(|fault| panic!("{fault}"));
        let fields = ["Content-Type", "Cache-Control", "MT-LSN", "MT-Documents"].map(|name| reply.header(name));
        assert_eq!(
            (reply.status, fields),
            (200, [Some("application/octet-stream"), Some("no-store"), Some("5"), Some("2")])
        );
        assert_eq!(reply.header("MT-Bytes"), Some(reply.body.len().to_string().as_str()), "over {}", door.name());

        let path = home.path().join("backup.mtdb");
        std::fs::write(&path, &reply.body).unwrap();
        let reader = SnapshotReader::open(&RealDisk, &path, "").unwrap();
        reader.verify().unwrap();
        assert_eq!((reader.documents(), reader.capture_end()), (2, Lsn(5)));
        reader
            .replay(|lsn: Lsn, record: Record<'_>| panic!("{lsn}, {record:?}: nobody has written meanwhile"))
            .unwrap();
        let again = door.send("GET", BACKUP, &[], b"");
        assert_eq!((again.status, again.header("MT-LSN")), (200, Some("5")), "over {}", door.name());
    }
    over_every_door(&[scenario! { "it takes no parameters, and is not written to";
        get("/v1/admin/backup?wait").gives(400).containing("\"code\":\"parameter_unknown\""),
        send("HEAD", "/v1/admin/backup").gives(200).body(""),
        send("POST", "/v1/admin/backup").gives(405).field("Allow", "GET, HEAD, OPTIONS"),
    }]);
}

/// The content of a copy whose name is gone takes room until its reader goes: a second one waits for that.
#[test]
fn there_is_one_backup_at_a_time_and_its_room_is_given_back_with_its_reader() {
    let house = House::start(&[]);
    let mut filler = house.client();
    let large = format!("\"{}\"", "x".repeat(900_000));
    for number in 0..40 {
        filler.send("PUT", &format!("/v1/docs/{number}"), &[], large.as_bytes());
    }
    let Endpoint::Tcp(address) = house.server().endpoints()[0].clone() else { panic!("a house listens on TCP") };
    let mut slow = TcpStream::connect(address).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(slow, "GET {BACKUP} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut begun = [0; 12];
    slow.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    let refused = house.client().send("GET", BACKUP, &[], b"");
    assert_eq!(refused.status, 409, "{:?}", String::from_utf8_lossy(&refused.body));
    assert!(String::from_utf8_lossy(&refused.body).contains("\"code\":\"backup_running\""));
    assert_eq!(house.client().send("GET", "/v1/docs/1", &[], b"").status, 200, "others are served meanwhile");
    let files = || std::fs::read_dir(house.folder.path().join("data")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!files().any(|name| name.to_string_lossy().contains("tmp")));
    drop(slow);
    let gone = Instant::now();
    while house.client().send("GET", BACKUP, &[], b"").status == 409 {
        assert!(gone.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
}
