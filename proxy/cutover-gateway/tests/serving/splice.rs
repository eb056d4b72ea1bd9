//! Long bodies, which go from socket to socket: whole, in order, and bounded like all others.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::rig::{Behaviour, Rig, answer};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// Around what hyper has read with the head, where splicing begins, and what a pipe holds.
const LENGTHS: [usize; 11] =
    [0, 1, 8_000, 32_767, 32_768, 40_000, 65_536, 262_144, 270_000, 1 << 20, (5 << 20) + 1];

/// Text of so many bytes that differs from place to place.
fn text(bytes: usize) -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| (0..700_000).map(|n| format!("{n:07} ")).collect());
    &TEXT[..bytes]
}

fn ask(bytes: usize) -> String {
    format!("GET /{bytes} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// How many bytes the next request asks for; `None`: there is none.
fn asked(stream: &mut TcpStream) -> io::Result<Option<usize>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    Ok(head.split(['/', ' ']).nth(2).map(|bytes| bytes.parse().unwrap()))
}

/// Answers `GET /N` with N bytes, in pieces of `piece` bytes behind a head of its own.
fn lengths(piece: usize, fields: &'static str) -> Behaviour {
    Some(Box::new(move |_, mut stream| {
        while let Some(bytes) = asked(&mut stream)? {
            let body = text(bytes);
            write!(stream, "HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n", body.len())?;
            for piece in body.as_bytes().chunks(piece) {
                stream.write_all(piece)?;
            }
        }
        Ok(())
    }))
}

/// Pipes of this process, other tests' included.
fn pipes() -> usize {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = descriptors.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("pipe:")).count() / 2
}

#[test]
fn bodies_of_all_lengths_arrive_whole_over_one_connection() {
    for piece in [1_000, 65_536, 10 << 20] {
        let rig = Rig::start(&[], [lengths(piece, ""), answer(HELLO)]);
        let mut client = rig.client();
        for bytes in LENGTHS.into_iter().chain(LENGTHS.into_iter().rev()) {
            let got = client.ask(&ask(bytes));
            let (_, body) = got.split_once("\r\n\r\n").unwrap();
            assert!(body == text(bytes), "{bytes} bytes by {piece}: {} arrived", body.len());
        }
        assert_eq!(rig.legacy.connections(), 1, "by {piece}");
        // Its threads keep their pipes until the rig ends.
        assert!(pipes() > 0, "nothing was spliced by {piece}");
    }
}

#[test]
fn bodies_arrive_whole_where_http2_is_spoken_too() {
    let rig = Rig::with(&[], [lengths(4_000, ""), answer(HELLO)], |settings| {
        settings.listeners[0].http2_cleartext = true;
    });
    let mut client = rig.client();
    for bytes in LENGTHS {
        assert!(client.ask(&ask(bytes)).ends_with(text(bytes)), "{bytes} bytes");
    }
}

#[test]
fn answers_to_pipelined_requests_keep_their_order() {
    let rig = Rig::start(&[], [lengths(50_000, ""), answer(HELLO)]);
    let mut client = rig.client();
    client.send(&LENGTHS.map(ask).concat());
    for bytes in LENGTHS {
        let got = client.ask("");
        assert!(got.ends_with(&format!("\r\n\r\n{}", text(bytes))), "{bytes} bytes");
    }
}

#[test]
fn a_connection_that_the_upstream_closes_is_not_used_again() {
    let rig = Rig::start(&[], [lengths(50_000, "Connection: close\r\n"), answer(HELLO)]);
    let mut client = rig.client();
    for _ in 0..3 {
        assert!(client.ask(&ask(100_000)).ends_with(text(100_000)));
    }
    assert_eq!(rig.legacy.connections(), 3);
}

#[test]
fn a_body_that_breaks_off_breaks_off_for_the_client_too() {
    let count = AtomicUsize::new(0);
    let cut: Behaviour = Some(Box::new(move |_, mut stream| {
        let Some(bytes) = asked(&mut stream)? else { return Ok(()) };
        let body = text(bytes);
        // Now within what is read with the head, now behind it.
        let kept = [5_000, 90_000][count.fetch_add(1, Ordering::Relaxed) % 2];
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n")?;
        stream.write_all(&body.as_bytes()[..kept])
    }));
    let rig = Rig::start(&[], [cut, answer(HELLO)]);
    for kept in [5_000, 90_000, 5_000, 90_000] {
        let mut client = rig.client();
        client.send(&ask(100_000));
        let got = client.read_to_end();
        assert!(got.ends_with(&format!("\r\n\r\n{}", text(kept))), "{} bytes", got.len());
    }
}

#[test]
fn clients_that_leave_within_a_body_leave_no_pipe_behind() {
    let rig = Rig::start(&[], [lengths(1 << 20, ""), answer(HELLO)]);
    for _ in 0..300 {
        let mut client = rig.client();
        client.send(&ask(5 << 20));
        client.read_until("\r\n\r\n");
        client.skip(100_000);
        client.reset();
    }
    assert!(rig.client().ask(&ask(100_000)).ends_with(text(100_000)));
    assert!(pipes() <= 128, "{} pipes", pipes());
}

#[test]
fn more_answers_at_once_than_there_are_pipes_arrive_whole() {
    let rig = Rig::start(&[], [lengths(1 << 20, ""), answer(HELLO)]);
    let mut clients: Vec<_> = (0..200).map(|_| rig.client()).collect();
    clients.iter_mut().for_each(|client| client.send(&ask(1 << 20)));
    let wanted = text(1 << 20);
    for client in &mut clients {
        let got = client.ask("");
        assert!(got.ends_with(wanted), "{}", &got[..got.len().min(300)]);
    }
    assert!(pipes() <= 128, "{} pipes", pipes());
}
