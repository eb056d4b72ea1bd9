//! Heads: what passes, what is refused and why.

use expect_test::expect;

use super::super::bytes::is_path_and_query;
use super::{Limits, check, table};

#[test]
fn plain_heads_pass() {
    check(
        &[
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.0\r\n\r\n",
            b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /a?b=c&d={e}|f HTTP/1.1\r\nhost:a.b-c_d:8080\t\r\nX:\r\nY: \xe9\t,\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
            b"M-SEARCH /%zz HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost",
        ],
        expect![[r#"
            1 passed, idle                                    GET / HTTP/1.1\r\nHost: a\r\n\r\n
            1 passed, idle                                    GET / HTTP/1.0\r\n\r\n
            1 passed, idle                                    \r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n
            1 passed, idle                                    GET /a?b=c&d={e}|f HTTP/1.1\r\nhost:a.b-c_d:8080\t\r\nX:\r\nY: \xe9\t,\r\n\r\n
            1 passed, idle                                    OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n
            1 passed, idle                                    M-SEARCH /%zz HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n
            2 passed, idle                                    GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head                                    GET / HTTP/1.1\r\nHost
        "#]],
    );
}

#[test]
fn request_lines() {
    check(
        &[
            b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
            b" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
            b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            b"GET / HTTP/2\r\nHost: a\r\n\r\n",
            b"GET / http/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/01.1\r\nHost: a\r\n\r\n",
            b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET\0 / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"\x80",
            b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        ],
        expect![[r#"
            0 passed, head refused: empty_lines               \r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: request_line              GET  / HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: request_line              GET /  HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: request_line              GET / HTTP/1.1 \r\nHost: a\r\n\r\n
            0 passed, head refused: request_line               GET / HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: request_line              GET /a b HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: request_line              GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: request_line              GET /\r\nHost: a\r\n\r\n
            0 passed, head refused: bare_lf                   GET / HTTP/1.1\nHost: a\r\n\r\n
            0 passed, head refused: bare_cr                   GET / HTTP/1.1\r\r\nHost: a\r\n\r\n
            0 passed, head refused: bare_lf                   \nGET / HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: version                   GET / HTTP/1.2\r\nHost: a\r\n\r\n
            0 passed, head refused: version                   GET / HTTP/2\r\nHost: a\r\n\r\n
            0 passed, head refused: request_line              GET / http/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: request_line              GET / HTTP/01.1\r\nHost: a\r\n\r\n
            0 passed, head refused: method                    G(T / HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: method                    GET\x00 / HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: method                    ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: http2_preface             PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n
            0 passed, head refused: tls_on_plain              \x16\x03\x01\x02\x00\x01\x00
            0 passed, head refused: request_line              \x80
            0 passed, head refused: connect                   CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n
        "#]],
    );
}

#[test]
fn targets() {
    check(
        &[
            b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            b"OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /#f HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /?#f HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /<a> HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /?\"a\" HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET ?a HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET HTTP://A:80 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET https://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n",
            b"GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n",
            b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
            b"GET http://a:8080/ HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http://a/ HTTP/1.0\r\n\r\n",
        ],
        expect![[r#"
            0 passed, head refused: target                    GET a HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET * HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET /#f HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET /?#f HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET /<a> HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET /?\"a\" HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET ?a HTTP/1.1\r\nHost: a\r\n\r\n
            1 passed, idle                                    GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n
            1 passed, idle                                    GET HTTP://A:80 HTTP/1.1\r\nHost: a\r\n\r\n
            1 passed, idle                                    GET https://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n
            0 passed, head refused: authority_mismatch        GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n
            0 passed, head refused: authority_mismatch        GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n
            0 passed, head refused: authority_mismatch        GET http://a:8080/ HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n
            0 passed, head refused: target                    GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n
            1 passed, idle                                    GET http://a/ HTTP/1.0\r\n\r\n
        "#]],
    );
}

#[test]
fn hosts() {
    check(
        &[
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
            b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: :80\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n",
        ],
        expect![[r#"
            0 passed, head refused: host_missing              GET / HTTP/1.1\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost:\r\n\r\n
            0 passed, head refused: host_repeated             GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n
            0 passed, head refused: host_repeated             GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: a,b\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: a b\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: a/b\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: u@a\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: a:\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: a:b\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: :80\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: [::1\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: ::1\r\n\r\n
            0 passed, head refused: host_invalid              GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n
        "#]],
    );
}

#[test]
fn fields() {
    check(
        &[
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX\ra: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            b"GET / HTTP/1.1\r\n\tHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost\t: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX\xe9: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: \x0b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nTRANSFER_ENCODING: chunked\r\n\r\n",
        ],
        expect![[r#"
            0 passed, head refused: bare_lf                   GET / HTTP/1.1\r\nHost: a\n\r\n
            0 passed, head refused: bare_lf                   GET / HTTP/1.1\r\nHost: a\r\n\n
            0 passed, head refused: bare_cr                   GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n
            0 passed, head refused: bare_cr                   GET / HTTP/1.1\r\nHost: a\r\nX\ra: b\r\n\r\n
            0 passed, head refused: bare_cr                   GET / HTTP/1.1\r\nHost: a\r\n\r\r\n
            0 passed, head refused: obs_fold                  GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n
            0 passed, head refused: obs_fold                  GET / HTTP/1.1\r\n\tHost: a\r\n\r\n
            0 passed, head refused: space_before_colon        GET / HTTP/1.1\r\nHost : a\r\n\r\n
            0 passed, head refused: space_before_colon        GET / HTTP/1.1\r\nHost\t: a\r\n\r\n
            0 passed, head refused: field_name                GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n
            0 passed, head refused: field_name                GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n
            0 passed, head refused: field_name                GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n
            0 passed, head refused: field_name                GET / HTTP/1.1\r\nHost: a\r\nX\xe9: b\r\n\r\n
            0 passed, head refused: field_name                GET / HTTP/1.1\r\nHost: a\r\nX\x00: b\r\n\r\n
            0 passed, head refused: field_value               GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n
            0 passed, head refused: field_value               GET / HTTP/1.1\r\nHost: a\r\nX: \x0b\r\n\r\n
            0 passed, head refused: field_value               GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n
            0 passed, head refused: field_lookalike           GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 1\r\n\r\n
            0 passed, head refused: field_lookalike           GET / HTTP/1.1\r\nHost: a\r\nTRANSFER_ENCODING: chunked\r\n\r\n
        "#]],
    );
}

#[test]
fn framing_fields() {
    check(
        &[
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 00000000000000000001\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\t\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        ],
        expect![[r#"
            1 passed, idle                                    POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n
            0 passed, head refused: length_repeated           POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n
            0 passed, head refused: length_invalid            POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n
            0 passed, head refused: length_invalid            POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n
            0 passed, head refused: length_invalid            POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n
            0 passed, head refused: length_invalid            POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n
            0 passed, head refused: length_invalid            POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n
            0 passed, head refused: length_invalid            POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n
            1 passed, body                                    POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n
            0 passed, head refused: length_invalid            POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n
            0 passed, head refused: length_invalid            POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 00000000000000000001\r\n\r\n
            0 passed, head refused: length_with_encoding      POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n
            0 passed, head refused: length_with_encoding      POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n
            1 passed, body                                    POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\t\r\n\r\n
            0 passed, head refused: encoding_invalid          POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n
            0 passed, head refused: encoding_invalid          POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n
            0 passed, head refused: encoding_invalid          POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n
            0 passed, head refused: encoding_invalid          POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n
            0 passed, head refused: encoding_invalid          POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n
            0 passed, head refused: encoding_invalid          POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n
            0 passed, head refused: field_value               POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n
            0 passed, head refused: encoding_on_http10        POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n
        "#]],
    );
}

#[test]
fn sizes() {
    let limits =
        Limits { head_bytes_max: 60, fields_max: 3, target_bytes_max: 10, ..Limits::default() };
    let inputs: [&[u8]; 6] = [
        b"GET /23456789 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /2345678901 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /23456789012345678901234567890123456789012345678901234567890",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: 345678901234567890123456789012\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\n\r\n",
    ];
    expect![[r#"
        1 passed, idle                                    GET /23456789 HTTP/1.1\r\nHost: a\r\n\r\n
        0 passed, head refused: target_too_long           GET /2345678901 HTTP/1.1\r\nHost: a\r\n\r\n
        0 passed, head refused: target_too_long           GET /23456789012345678901234567890123456789012345678901234567890
        0 passed, head refused: head_too_large            GET / HTTP/1.1\r\nHost: a\r\nX: 345678901234567890123456789012\r\n\r\n
        1 passed, idle                                    GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n\r\n
        0 passed, head refused: too_many_fields           GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\n\r\n
    "#]].assert_eq(&table(limits, &inputs));
}

#[test]
fn connect_where_it_is_allowed() {
    let limits = Limits { connect_allowed: true, ..Limits::default() };
    let inputs: [&[u8]; 5] = [
        b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 1\r\n\r\n",
    ];
    expect![[r#"
        1 passed, held                                    CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n
        0 passed, head refused: authority_mismatch        CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n
        0 passed, head refused: target                    CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n
        0 passed, head refused: target                    CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n
        0 passed, head refused: length_invalid            CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 1\r\n\r\n
    "#]].assert_eq(&table(limits, &inputs));
}

/// What the guard passes, `http::Uri` must take, else hyper would answer.
#[test]
fn every_byte_that_passes_is_a_uri_byte() {
    for byte in 0..=255u8 {
        for target in [vec![b'/', byte], vec![b'/', b'?', byte]] {
            let ours = is_path_and_query(&target);
            let theirs = http::Uri::try_from(target.as_slice()).is_ok();
            let fragment = byte == b'#';
            assert_eq!(ours, theirs && byte.is_ascii() && !fragment, "{}", target.escape_ascii());
        }
    }
}
