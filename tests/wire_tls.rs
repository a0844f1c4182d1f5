//! The reactor over TLS: handshakes, bytes in both directions, ends, and peers that keep to no protocol.

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/wire.rs"]
mod wire;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use certificates::{Pair, TlsClient, stream};
use memory_tools::base::clock::UnixMillis;
use memory_tools::front::framing::HeadLimits;
use memory_tools::front::reactor::context::Rules;
use memory_tools::front::reactor::{self, Listening, Reactor, ReactorOptions};
use memory_tools::front::tls::{Certificate, CertificateFault, Tls, Validity};
use memory_tools::front::{Drained, Front};
use rustls::version::{TLS12, TLS13};
use socket2::{Domain, Socket, Type};
use wire::{PATIENCE, Stage, Threads, seams, until};

/// A timeout that a test waits for.
const SHORT: Duration = Duration::from_millis(300);

/// One that none waits for.
const LONG: Duration = Duration::from_secs(600);

fn options() -> ReactorOptions {
    ReactorOptions {
        threads: 2,
        connections_max: 1000,
        connections_per_address_max: 0,
        rules: Rules {
            head: HeadLimits { target_bytes_max: 8 << 10, head_bytes_max: 32 << 10, header_count_max: 100 },
            read_timeout: LONG,
            write_timeout: LONG,
            idle_timeout: LONG,
            transfer_bytes_per_second_min: 1024,
            pipelined_requests_max: 128,
            unsent_bytes_max: 1 << 20,
            stream_buffer_bytes: 256 << 10,
            bodies_bytes_max: 1 << 30,
        },
        stack_bytes: 256 << 10,
    }
}

struct Served {
    reactor: Reactor,
    stage: Stage,
    pair: Pair,
    tls: Tls,
}

fn certificate(pair: &Pair) -> Certificate {
    Certificate::from_pem(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap()
}

fn serve(options: ReactorOptions) -> Served {
    let stage = seams(Arc::new(Threads::default()));
    let pair = Pair::new();
    let tls = Tls::new(certificate(&pair));
    let listening = Listening::tcp("127.0.0.1:0".parse().unwrap(), options.threads).unwrap().with_tls(tls.clone());
    let reactor = reactor::serve(options, vec![listening], stage.seams.clone()).unwrap();
    Served { reactor, stage, pair, tls }
}

impl Served {
    fn address(&self) -> SocketAddr {
        self.reactor.endpoints()[0].tcp().unwrap()
    }

    fn connect(&self) -> TlsClient {
        self.pair.connect(self.address())
    }

    #[track_caller]
    fn wait_for_open(&self, count: usize) {
        let open = || self.reactor.counters().connections_open.load(Ordering::SeqCst);
        until(&format!("{count} connections"), || open() == count);
    }
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn post(target: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Bytes that differ along the way.
fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 7 % 251) as u8).collect()
}

#[track_caller]
fn check_get(client: &mut TlsClient) {
    client.send(get("/a"));
    assert_eq!(client.reply(), (200, b"GET /a 1\n".to_vec()));
}

/// Everything that comes to the end of the connection, which must come without a reset.
#[track_caller]
fn rest(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("a clean end");
    bytes
}

#[test]
fn both_versions_are_spoken_with_http_1_1_within() {
    let served = serve(options());
    for version in [&TLS12, &TLS13] {
        let mut config = served.pair.client(&[version]);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut client = TlsClient::over(stream(served.address()), config);
        for _ in 0..3 {
            check_get(&mut client);
        }
        assert_eq!(client.stream.conn.protocol_version(), Some(version.version));
        assert_eq!(client.stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
}

#[test]
fn a_client_that_offers_only_another_protocol_is_refused() {
    let served = serve(options());
    let mut config = served.pair.client(rustls::ALL_VERSIONS);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut client = TlsClient::over(stream(served.address()), config);
    let refused = client.shake_hands().unwrap_err().to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    check_get(&mut served.connect());
}

#[test]
fn large_bodies_go_in_and_come_out_whole() {
    let served = serve(options());
    for version in [&TLS12, &TLS13] {
        let mut client = TlsClient::over(stream(served.address()), served.pair.client(&[version]));
        let body = pattern(5_000_000);
        client.send(post("/echo", &body));
        let (status, echoed) = client.reply();
        assert!(status == 200 && echoed == body, "{status}, {} bytes", echoed.len());
        check_get(&mut client);
    }
}

#[test]
fn a_slow_reader_gets_every_byte() {
    let served = serve(options());
    let mut client = narrow(&served);
    client.send(get("/big?5000000"));
    let mut head = [0; 4096];
    let mut left = 5_000_000 - {
        let count = client.stream.read(&mut head).unwrap();
        let end = head.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        count - end
    };
    let mut buffer = [0; 1000];
    while left > 0 {
        let asked = left.min(buffer.len());
        let count = client.stream.read(&mut buffer[..asked]).unwrap();
        assert!(count > 0 && buffer[..count].iter().all(|byte| *byte == b'x'));
        left -= count;
    }
    check_get(&mut client);
}

/// What rustls has decrypted lies in its buffer while the socket is silent: nothing reports it.
#[test]
fn what_was_decrypted_is_used_though_the_socket_stays_silent() {
    let mut options = options();
    options.rules.pipelined_requests_max = 2;
    options.rules.unsent_bytes_max = 4096;
    let served = serve(options);
    let mut client = served.connect();
    let count = 3000;
    // Far more than one read takes, in records of 16 KiB, and then silence; each reply fills what may be unsent.
    let requests: String = (0..count).map(|number| get(&format!("/{number}"))).collect();
    let sent = std::thread::scope(|scope| {
        let mut stream = client.stream.sock.try_clone().unwrap();
        client.shake_hands().unwrap();
        client.stream.conn.set_buffer_limit(None);
        client.stream.conn.writer().write_all(requests.as_bytes()).unwrap();
        let mut ciphertext = Vec::new();
        while client.stream.conn.wants_write() {
            client.stream.conn.write_tls(&mut ciphertext).unwrap();
        }
        let sending = scope.spawn(move || stream.write_all(&ciphertext));
        for number in 0..count {
            assert_eq!(client.reply(), (200, format!("GET /{number} 1\n").into_bytes()));
        }
        sending.join().unwrap()
    });
    sent.unwrap();
}

#[test]
fn bytes_that_come_one_by_one_are_the_same_conversation() {
    let served = serve(options());
    let mut client = served.connect();
    client.stream.conn.writer().write_all(get("/a").as_bytes()).unwrap();
    while client.stream.conn.is_handshaking() || client.stream.conn.wants_write() {
        let mut ciphertext = Vec::new();
        while client.stream.conn.wants_write() {
            client.stream.conn.write_tls(&mut ciphertext).unwrap();
        }
        for byte in ciphertext {
            client.stream.sock.write_all(&[byte]).unwrap();
        }
        if client.stream.conn.is_handshaking() {
            client.stream.conn.read_tls(&mut client.stream.sock).unwrap();
            client.stream.conn.process_new_packets().unwrap();
        }
    }
    assert_eq!(client.reply(), (200, b"GET /a 1\n".to_vec()));
}

#[test]
fn each_side_says_that_it_has_ended() {
    let served = serve(options());
    // The server's last reply.
    let mut client = served.connect();
    client.send("GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(client.reply().0, 200);
    client.check_ends_with_close_notify();

    // The client's last request, said by close_notify alone, by the end of the connection alone, and by both.
    for (notifies, closes) in [(true, false), (false, true), (true, true)] {
        let mut client = served.connect();
        client.send(get("/a"));
        if notifies {
            client.stream.conn.send_close_notify();
            client.stream.flush().unwrap();
        }
        if closes {
            client.stream.sock.shutdown(Shutdown::Write).unwrap();
        }
        assert_eq!(client.reply(), (200, b"GET /a 1\n".to_vec()), "{notifies} {closes}");
        client.check_ends_with_close_notify();
    }
    served.wait_for_open(0);
}

#[test]
fn a_body_that_ends_without_its_last_bytes_is_incomplete() {
    let served = serve(options());
    let mut client = served.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345");
    client.stream.sock.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.reply().0, 408);
    assert_eq!(served.stage.double.faults.lock().unwrap().len(), 1);
}

/// A part of a record and the end of the connection, seen at once: nothing more is ever reported of such a socket.
#[test]
fn an_end_within_a_record_is_noticed() {
    let served = serve(options());
    for cut in [1, 5, 20] {
        let mut client = served.connect();
        check_get(&mut client);
        let mut record = Vec::new();
        client.stream.conn.writer().write_all(get("/never").as_bytes()).unwrap();
        client.stream.conn.write_tls(&mut record).unwrap();
        client.stream.sock.write_all(&record[..cut]).unwrap();
        client.stream.sock.shutdown(Shutdown::Write).unwrap();
        client.check_ends_with_close_notify();
    }
    assert_eq!(served.stage.double.handled(), 3);
}

#[test]
fn what_is_no_tls_gets_an_alert_and_a_clean_end() {
    let served = serve(options());
    let garbage = pattern(100_000);
    let hello_cut = [&[22, 3, 1, 0, 5][..], b"hello"].concat();
    let plain = get("/a").into_bytes();
    for (name, bytes) in [("plain", plain), ("garbage", garbage), ("no hello", hello_cut)] {
        let mut stream = stream(served.address());
        stream.write_all(&bytes).unwrap();
        let answer = rest(&stream);
        // One alert, which is content type 21.
        assert_eq!((answer.first(), answer.len()), (Some(&21), 7), "{name}: {answer:?}");
    }
    // After the handshake a broken record is the end, too.
    let mut client = served.connect();
    check_get(&mut client);
    client.stream.sock.write_all(&[23, 3, 3, 0, 20]).unwrap();
    client.stream.sock.write_all(&[7; 20]).unwrap();
    let refused = client.try_reply().unwrap_err().to_string();
    assert!(refused.contains("BadRecordMac"), "{refused}");
    assert_eq!(served.stage.double.handled(), 1);
    check_get(&mut served.connect());
}

#[test]
fn a_handshake_that_does_not_end_is_given_up_at_read_timeout() {
    let mut options = options();
    options.rules.read_timeout = SHORT;
    let served = serve(options);
    let mut hello = Vec::new();
    served.connect().stream.conn.write_tls(&mut hello).unwrap();
    for part in [&hello[..0], &hello[..3], &hello[..hello.len() / 2], &hello] {
        let began = Instant::now();
        let mut stream = stream(served.address());
        stream.write_all(part).unwrap();
        // Whole, it is answered; then there is silence, too.
        assert_eq!(rest(&stream).is_empty(), part.len() < hello.len());
        assert!(began.elapsed() >= SHORT, "{:?}", began.elapsed());
    }
    // One that trickles is not given more.
    let mut trickle = stream(served.address());
    let began = Instant::now();
    trickle.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    let mut bytes = hello.iter();
    let is_over = |read: std::io::Result<usize>| match read {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    while !is_over(trickle.read(&mut [0; 1])) {
        // The whole hello would take longer than all that is allowed.
        let _ = trickle.write(std::slice::from_ref(bytes.next().expect("it is given up before the last byte")));
    }
    assert!(began.elapsed() >= SHORT, "{:?}", began.elapsed());
    served.wait_for_open(0);
}

#[test]
fn silence_counts_from_the_handshake_on_and_ends_by_idle_timeout() {
    let mut options = options();
    options.rules.idle_timeout = SHORT;
    let served = serve(options);
    let mut late = served.connect();
    let mut idle = served.connect();
    idle.shake_hands().unwrap();
    let shaken = Instant::now();
    assert!(idle.try_reply().is_err());
    assert!(shaken.elapsed() >= SHORT / 2, "{:?}", shaken.elapsed());
    // The other one is older, and has been silent since.
    late.shake_hands().unwrap();
    let shaken = Instant::now();
    assert!(late.try_reply().is_err());
    assert!(shaken.elapsed() >= SHORT / 2, "{:?}", shaken.elapsed());
}

/// A client whose kernel takes next to nothing of what it does not read.
fn narrow(served: &Served) -> TlsClient {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&served.address().into()).unwrap();
    TlsClient::over(socket.into(), served.pair.client(rustls::ALL_VERSIONS))
}

/// Replies of every size up to more than the kernel holds: of some the last bytes are encrypted, taken off the outbox
/// and not sent. Those must not stay for ever.
#[test]
fn whoever_does_not_read_what_was_encrypted_for_it_is_given_up_at_write_timeout() {
    let mut options = options();
    options.rules.write_timeout = SHORT;
    let served = serve(options);
    // 64 KiB are encrypted at once: whatever the kernel holds ends within the last of them for one of these.
    let sizes = (1..=96).map(|parts| parts * (64 << 10) - 1000);
    let clients: Vec<TlsClient> = sizes
        .map(|bytes| {
            let mut client = narrow(&served);
            client.send(get(&format!("/big?{bytes}")));
            client
        })
        .collect();
    until("all are answered", || served.stage.double.handled() == clients.len());
    let Drained { finished, open } = served.reactor.drain(PATIENCE);
    assert!(finished, "{open} are still open");
}

#[test]
fn a_drain_ends_handshakes_and_idle_connections_and_answers_what_has_begun() {
    let served = serve(options());
    let mut shaking = stream(served.address());
    shaking.write_all(&[22, 3, 1]).unwrap();
    let mut idle = served.connect();
    check_get(&mut idle);
    let mut later = served.connect();
    later.send(get("/later"));
    served.wait_for_open(3);
    until("the request is run", || served.stage.double.handled() == 2);
    served.reactor.stop_accepting();
    idle.check_ends_with_close_notify();
    // close_notify as a warning in the clear, for there are no keys yet.
    assert_eq!(rest(&shaking), [21, 3, 3, 0, 2, 1, 0]);
    served.stage.double.gate.0.send(()).unwrap();
    served.stage.ledger.release(10);
    assert_eq!(later.reply(), (200, b"later\n".to_vec()));
    later.check_ends_with_close_notify();
    assert!(served.reactor.drain(PATIENCE).finished);
}

#[test]
fn beyond_connections_max_no_handshake_is_made() {
    let served = serve(ReactorOptions { connections_max: 1, ..options() });
    let mut first = served.connect();
    check_get(&mut first);
    // Not even an alert.
    let mut second = stream(served.address());
    let mut answer = Vec::new();
    let ended = second.read_to_end(&mut answer);
    assert!(ended.is_ok_and(|bytes| bytes == 0), "{answer:?}");
    assert_eq!(served.reactor.counters().connections_refused.load(Ordering::SeqCst), 1);
    check_get(&mut first);
}

#[test]
fn another_certificate_is_for_new_connections_and_old_ones_go_on() {
    let served = serve(options());
    let mut old = served.connect();
    check_get(&mut old);
    let other = Pair::new();
    served.tls.show(certificate(&other));
    check_get(&mut old);
    let mut new = other.connect(served.address());
    check_get(&mut new);
    assert_eq!(new.stream.conn.peer_certificates().unwrap(), [other.der()]);
    assert!(served.connect().shake_hands().is_err());
}

#[test]
fn a_pair_is_checked_before_it_is_shown() {
    let (one, other) = (Pair::new(), Pair::new());
    let fault = |chain: &str, key: &str| Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
    let cut = &one.chain[..one.chain.len() / 2];
    let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let locked = one.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert!(matches!(fault("", &one.key), CertificateFault::NoCertificate));
    assert!(matches!(fault(&one.key, &one.key), CertificateFault::NoCertificate));
    assert!(matches!(fault(cut, &one.key), CertificateFault::BadChain(_)));
    assert!(matches!(fault(no_der, &one.key), CertificateFault::BadChain(_)));
    assert!(matches!(fault(&one.chain, &one.chain), CertificateFault::NoKey));
    assert!(matches!(fault(&one.chain, &locked), CertificateFault::NoKey));
    assert!(matches!(fault(&one.chain, no_key), CertificateFault::BadKey(_)));
    assert!(matches!(fault(&one.chain, &other.key), CertificateFault::Mismatch));
    // Both may be in one file.
    let both = format!("{}{}", one.key, one.chain);
    Certificate::from_pem(both.as_bytes(), both.as_bytes()).unwrap();
}

#[test]
fn a_certificate_tells_when_its_dates_are_wrong() {
    let now = UnixMillis(1_795_374_000_000);
    let validity = |pair: &Pair| certificate(pair).validity(now);
    assert_eq!(validity(&Pair::new()), Validity::Valid);
    assert_eq!(validity(&Pair::expired()), Validity::Expired(UnixMillis(1_609_459_200_000)));
    assert_eq!(validity(&Pair::of_the_future()), Validity::NotYet(UnixMillis(32_503_680_000_000)));
}
