//! Connections that are ready together: they are read, run and answered together, and must not notice.

use super::wire::{Client, Served, get, put, rules, serve_rules, until};

/// More than are taken at once.
const CLIENTS: usize = 60;

/// What only the client `number` asks for, more than is kept back, and more than is read ahead.
fn requests(number: usize) -> String {
    let one = get(&format!("/{number}"));
    match number % 6 {
        0 => one,
        1 => (0..3).map(|part| get(&format!("/{number}/{part}"))).collect(),
        2 => echo(number, 3_000),
        3 => one + &get(&format!("/big?{}", 40_000 + number)),
        4 => echo(number, 60_000),
        _ => one[..one.len() / 2].to_owned(),
    }
}

fn echo(number: usize, bytes: usize) -> String {
    put("/echo", &format!("Content-Length: {bytes}"), &body(number, bytes))
}

fn body(number: usize, bytes: usize) -> String {
    format!("{number:>bytes$}")
}

fn check(number: usize, client: &mut Client) {
    let line = |target: &str| format!("GET {target} 1\n");
    let one = format!("/{number}");
    match number % 6 {
        0 => assert_eq!(client.reply().text(), line(&one)),
        1 => (0..3).for_each(|part| assert_eq!(client.reply().text(), line(&format!("{one}/{part}")))),
        2 => assert_eq!(client.reply().text(), body(number, 3_000)),
        3 => {
            assert_eq!(client.reply().text(), line(&one));
            assert_eq!(client.reply().text().len(), 40_000 + number);
        }
        4 => assert_eq!(client.reply().text(), body(number, 60_000)),
        _ => {
            let whole = get(&one);
            client.send(&whole[whole.len() / 2..]);
            assert_eq!(client.reply().text(), line(&one));
        }
    }
}

/// Has all of `act` happen before the server looks.
fn together(served: &Served, act: impl FnOnce()) {
    let before = served.double.handled();
    let mut holder = served.connect();
    holder.send(&get("/slow"));
    until("the thread is held", || served.double.handled() == before + 1);
    act();
    served.double.open_gate(1);
    assert_eq!(holder.reply().text(), "slow\n");
}

#[test]
fn each_of_many_that_are_ready_together_gets_its_own_replies_in_order() {
    let served = serve_rules(rules());
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| served.connect()).collect();
    until("all are let in", || served.counts().open == CLIENTS);
    for _ in 0..3 {
        together(&served, || {
            clients.iter_mut().enumerate().for_each(|(number, client)| client.send(&requests(number)));
        });
        clients.iter_mut().enumerate().for_each(|(number, client)| check(number, client));
    }
}

#[test]
fn those_that_have_gone_by_their_turn_harm_none_of_those_beside_them() {
    let served = serve_rules(rules());
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| served.connect()).collect();
    until("all are let in", || served.counts().open == CLIENTS);
    let mut left = Vec::new();
    together(&served, || {
        for (number, mut client) in clients.drain(..).enumerate() {
            client.send(&requests(number));
            if number % 5 > 1 {
                left.push((number, client));
            }
        }
    });
    left.iter_mut().for_each(|(number, client)| check(*number, client));
    drop(left);
    until("all have gone", || served.counts().open == 0);
}
