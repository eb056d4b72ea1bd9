//! Bodies: framing is followed to the next head, and checked on the way.

use expect_test::expect;

use super::{Limits, check, verdict_of};

#[test]
fn fixed_bodies() {
    check(
        &[
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabc / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n\0\nGET",
        ],
        expect![[r#"
            1 passed, body                                    POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab
            2 passed, idle                                    POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n
            2 passed, idle                                    POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabc / HTTP/1.1\r\nHost: a\r\n\r\n
            2 passed, idle                                    POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n
            1 passed, head                                    POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n\x00\nGET
        "#]],
    );
}

#[test]
fn chunks() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let bodies = [
        "3\r\nabc\r\n0\r\n\r\n",
        "0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "000A;a=b;c=\"d\"\r\n0123456789\r\n0;x\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\rabc\r\n0\r\n\r\n",
        "\r\nabc",
        ";a\r\nabc",
        "g\r\n",
        "3 \r\nabc\r\n",
        " 3\r\nabc\r\n",
        "-3\r\nabc\r\n",
        "0x3\r\nabc\r\n",
        "7fffffffffffffff\r\n",
        "8000000000000000\r\n",
        "00000000000000001\r\n",
        "3;a\x07\r\n",
        "3;a\nb\r\n",
    ];
    let inputs: Vec<String> = bodies.iter().map(|body| format!("{head}{body}")).collect();
    let mut lines = String::new();
    for (input, body) in inputs.iter().zip(bodies) {
        let verdict = verdict_of(Limits::default(), input.as_bytes());
        lines.push_str(&format!("{verdict:<50}{}\n", body.escape_default()));
    }
    expect![[r#"
        1 passed, idle                                    3\r\nabc\r\n0\r\n\r\n
        2 passed, idle                                    0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n
        1 passed, idle                                    000A;a=b;c=\"d\"\r\n0123456789\r\n0;x\r\n\r\n
        1 passed, body refused: chunk_end                 3\r\nabc0\r\n\r\n
        1 passed, body refused: chunk_end                 3\r\nabc\n0\r\n\r\n
        1 passed, body refused: bare_lf                   3\nabc\r\n0\r\n\r\n
        1 passed, body refused: bare_cr                   3\rabc\r\n0\r\n\r\n
        1 passed, body refused: chunk_size                \r\nabc
        1 passed, body refused: chunk_size                ;a\r\nabc
        1 passed, body refused: chunk_size                g\r\n
        1 passed, body refused: chunk_size                3 \r\nabc\r\n
        1 passed, body refused: chunk_size                 3\r\nabc\r\n
        1 passed, body refused: chunk_size                -3\r\nabc\r\n
        1 passed, body refused: chunk_size                0x3\r\nabc\r\n
        1 passed, body                                    7fffffffffffffff\r\n
        1 passed, body refused: chunk_size                8000000000000000\r\n
        1 passed, body refused: chunk_size                00000000000000001\r\n
        1 passed, body refused: chunk_extension           3;a\u{7}\r\n
        1 passed, body refused: bare_lf                   3;a\nb\r\n
    "#]].assert_eq(&lines);
}

#[test]
fn trailers() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    let many: String = (0..65).map(|i| format!("X-{i}: a\r\n")).collect();
    let large = format!("X: {}\r\n\r\n", "a".repeat(8 * 1024));
    let sections = [
        "X-Sum: abc\r\nY:\r\n\r\n",
        "X : a\r\n\r\n",
        " X: a\r\n\r\n",
        "X: a\n\r\n",
        "X: \0\r\n\r\n",
        "content-length: 1\r\n\r\n",
        "Transfer_Encoding: chunked\r\n\r\n",
        "HOST: a\r\n\r\n",
        "Authorization: a\r\n\r\n",
        &many,
        &large,
    ];
    let mut lines = String::new();
    for section in sections {
        let verdict = verdict_of(Limits::default(), format!("{head}{section}").as_bytes());
        let section: String = section.escape_default().take(40).collect();
        lines.push_str(&format!("{verdict:<50}{section}\n"));
    }
    expect![[r#"
        1 passed, idle                                    X-Sum: abc\r\nY:\r\n\r\n
        1 passed, body refused: space_before_colon        X : a\r\n\r\n
        1 passed, body refused: obs_fold                   X: a\r\n\r\n
        1 passed, body refused: bare_lf                   X: a\n\r\n
        1 passed, body refused: field_value               X: \u{0}\r\n\r\n
        1 passed, body refused: trailer_forbidden         content-length: 1\r\n\r\n
        1 passed, body refused: trailer_forbidden         Transfer_Encoding: chunked\r\n\r\n
        1 passed, body refused: trailer_forbidden         HOST: a\r\n\r\n
        1 passed, body refused: trailer_forbidden         Authorization: a\r\n\r\n
        1 passed, body refused: trailer_too_large         X-0: a\r\nX-1: a\r\nX-2: a\r\nX-3: a\r\n
        1 passed, body refused: trailer_too_large         X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    "#]]
    .assert_eq(&lines);
}

#[test]
fn extensions_are_bounded() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = |extension: usize| format!("1;{}\r\nx\r\n", "e".repeat(extension));
    let one =
        |size| verdict_of(Limits::default(), format!("{head}{}0\r\n\r\n", chunk(size)).as_bytes());
    expect!["1 passed, idle"].assert_eq(&one(256));
    expect!["1 passed, body refused: chunk_extension"].assert_eq(&one(257));
    let all =
        super::verdict(Limits::default(), [format!("{head}{}", chunk(250).repeat(33)).as_bytes()]);
    expect!["1 passed, body refused: chunk_extension"].assert_eq(&all);
}
