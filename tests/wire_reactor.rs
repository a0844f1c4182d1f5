//! The reactor over real sockets, with doubles behind it.

#[path = "support/wire.rs"]
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use memory_tools::front::Front;
use memory_tools::front::framing::HeadLimits;
use memory_tools::front::reactor::context::Rules;
use memory_tools::front::reactor::{self, Listening, Reactor, ReactorOptions};
use wire::{Client, PATIENCE, Stage, Threads, seams};

fn options() -> ReactorOptions {
    ReactorOptions {
        threads: 2,
        connections_max: 1000,
        connections_per_address_max: 0,
        rules: Rules {
            head: HeadLimits { target_bytes_max: 8 << 10, head_bytes_max: 32 << 10, header_count_max: 100 },
            read_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(5),
            transfer_bytes_per_second_min: 1024,
            pipelined_requests_max: 128,
            unsent_bytes_max: 1 << 20,
            stream_buffer_bytes: 256 << 10,
            bodies_bytes_max: 1 << 30,
        },
        stack_bytes: 512 << 10,
    }
}

struct Served {
    reactor: Reactor,
    stage: Stage,
}

fn serve(options: ReactorOptions) -> Served {
    let stage = seams(Arc::new(Threads::default()));
    let listening = Listening::tcp("127.0.0.1:0".parse().unwrap(), options.threads).unwrap();
    let reactor = reactor::serve(options, vec![listening], stage.seams.clone()).unwrap();
    Served { reactor, stage }
}

impl Served {
    fn address(&self) -> SocketAddr {
        self.reactor.endpoints()[0].tcp().unwrap()
    }
    fn connect(&self) -> Client {
        Client::to(self.address())
    }
}

#[test]
fn smoke() {
    let served = serve(options());
    let mut client = served.connect();
    for _ in 0..3 {
        client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(client.reply().text(), "GET /a 1\n");
    }
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcPOST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.reply().text(), "abc");
    assert_eq!(client.reply().text(), "abc");
    assert_eq!(client.reply().text(), "GET /b 1\n");
    client.send("GET /parts HTTP/1.1\r\nHost: x\r\n\r\n");
    println!("{}", client.reply().text());
    client.send("GET /big?5000000 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.reply().body.len(), 5_000_000);
    let big = "x".repeat(1_000_000);
    client.send(&format!(
        "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        big.len()
    ));
    println!("{:?}", client.reply());
    client.send(&big);
    assert_eq!(client.reply().text(), big);
    client.send("GET /lsn/5 HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n");
    wire::until("parked", || served.stage.ledger.waiting() == 1);
    served.stage.ledger.release(5);
    println!("{:?}", client.reply());
    assert_eq!(client.reply().text(), "GET /c 1\n");
    client.send("FOO\r\n\r\n");
    println!("{:?}", client.reply());
    client.check_ends_without_reset();
    let mut idle = served.connect();
    idle.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.reply();
    println!("{:?}", served.reactor.drain(PATIENCE));
    idle.check_ends_without_reset();
}
