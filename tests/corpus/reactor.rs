//! The reactor as a subject. It is held to every row.

use std::sync::Arc;
use std::time::Duration;

use memory_tools::front::framing::HeadLimits;
use memory_tools::front::reactor::context::Rules;
use memory_tools::front::reactor::{self, Listening, Reactor, ReactorOptions};
use memory_tools::front::{Front, Seams};

use super::double::Double;
use super::sockets::Sockets;
use super::wire;

/// A reactor with a port of its own, whose clients may be silent for `patience`.
pub fn subject(patience: Duration) -> Sockets<Reactor> {
    let double = Arc::new(Double::default());
    let stage = wire::seams(Arc::new(wire::Threads::default()));
    let seams = Seams { handler: double.clone(), ..stage.seams };
    let options = ReactorOptions {
        threads: 1,
        connections_max: 64,
        connections_per_address_max: 0,
        rules: Rules {
            head: HeadLimits { target_bytes_max: 8 << 10, head_bytes_max: 32 << 10, header_count_max: 100 },
            read_timeout: patience,
            write_timeout: wire::PATIENCE,
            idle_timeout: patience,
            transfer_bytes_per_second_min: 1 << 20,
            pipelined_requests_max: 16,
            unsent_bytes_max: 64 << 10,
            stream_buffer_bytes: 64 << 10,
            bodies_bytes_max: 1 << 20,
        },
        stack_bytes: 512 << 10,
    };
    let listening = Listening::tcp("127.0.0.1:0".parse().unwrap(), options.threads).unwrap();
    let reactor = reactor::serve(options, vec![listening], seams).unwrap();
    let address = reactor.endpoints()[0].tcp().unwrap();
    Sockets { address, double, says_when_it_closes: true, front: reactor }
}
