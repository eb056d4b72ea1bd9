//! The end of a process, as those connected meet it.

use std::{net::TcpStream, sync::Barrier, thread};

use crate::rig::{Rig, answer};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const ASK: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

/// A closed connection costs a request if the client was just asking on it, so each client is
/// told by an answer before.
#[test]
fn clients_that_keep_asking_are_told_before_their_connection_ends() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let warm = Barrier::new(9);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = rig.client();
                client.ask(ASK);
                warm.wait();
                let last = loop {
                    let reply = client.ask(ASK);
                    assert!(reply.ends_with("hello"), "{reply}");
                    if reply.contains("close") {
                        break reply;
                    }
                };
                assert!(last.to_lowercase().contains("connection: close"), "{last}");
                assert_eq!(client.read_to_end(), "", "and then it ends");
            });
        }
        warm.wait();
        rig.drain();
    });
    rig.until(|| rig.has_ended());
}

#[test]
fn connecting_is_refused_while_the_last_requests_finish() {
    let (slow, release) = crate::rig::held(HELLO);
    let rig = Rig::start(&[], [slow, answer(HELLO)]);
    let mut busy = rig.client();
    busy.send(ASK);
    rig.until(|| rig.legacy.requests() == 1);
    rig.drain();
    let address = rig.handle.addresses()[0];
    rig.until(|| TcpStream::connect(address).is_err());
    assert!(!rig.has_ended(), "the request in flight goes on");
    release.send(()).unwrap();
    assert!(busy.read_to_end().ends_with("hello"));
}
