//! The exchanges that are played.

use e2e::script::Act;

/// One request and what the upstream answers.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) request: Vec<u8>,
    pub(super) answer: Vec<Act>,
}

impl Case {
    /// The upstream closes after its answer.
    fn closing(mut self) -> Case {
        self.answer.push(Act::Close);
        self
    }
}

fn case(name: &'static str, request: impl Into<Vec<u8>>, answer: impl Into<Vec<u8>>) -> Case {
    Case { name, request: request.into(), answer: vec![Act::ReadBody, Act::Send(answer.into())] }
}

fn get(name: &'static str, answer: impl Into<Vec<u8>>) -> Case {
    case(name, format!("GET /{name} HTTP/1.1\r\nHost: home.example\r\n\r\n"), answer)
}

fn ask(name: &'static str, request: impl AsRef<[u8]>) -> Case {
    case(name, request.as_ref(), OK)
}

/// The plainest answer.
pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers of every kind.
pub(super) fn answers() -> Vec<Case> {
    let head = |name, answer: &str| {
        case(name, format!("HEAD /{name} HTTP/1.1\r\nHost: a\r\n\r\n"), answer)
    };
    let long =
        format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\nContent-Length: 0\r\n\r\n", "v".repeat(8000));
    let big =
        [b"HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n".to_vec(), pattern(3 << 20)].concat();
    vec![
        get("plain", OK),
        get("no-date-no-server", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        get(
            "date-and-server",
            "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nServer: Apache/2.2.15 (HomeHub)\r\nContent-Length: 0\r\n\r\n",
        ),
        get("reason", "HTTP/1.1 200 Very Fine Indeed\r\nContent-Length: 0\r\n\r\n"),
        get("no-reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
        get("unknown-status", "HTTP/1.1 599 Own Invention\r\nContent-Length: 3\r\n\r\nabc"),
        get("no-content", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
        get("not-modified", "HTTP/1.1 304 Not Modified\r\nETag: W/\"d3-4\"\r\n\r\n"),
        get(
            "redirect",
            "HTTP/1.1 302 Found\r\nLocation: /user.php?a=b\r\nContent-Length: 0\r\n\r\n",
        ),
        get("server-error", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nfail"),
        get("unavailable", "HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"),
        get(
            "field-case",
            "HTTP/1.1 200 OK\r\nX-ODD-cAsE: 1\r\nlower: 2\r\nETAG: \"x\"\r\ncontent-length: 0\r\n\r\n",
        ),
        get(
            "repeated",
            "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nVary: Cookie\r\nSet-Cookie: b=2\r\nVary: Accept\r\nSet-Cookie: a=3\r\nContent-Length: 0\r\n\r\n",
        ),
        get("empty-value", "HTTP/1.1 200 OK\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n"),
        get(
            "latin-1",
            b"HTTP/1.1 200 OK\r\nX-Name: K\xfcche\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
        get("long-field", long),
        get(
            "many-fields",
            format!(
                "HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
                (0..90).map(|n| format!("X-{n}: {n}\r\n")).collect::<String>()
            ),
        ),
        get(
            "binary",
            [
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 256\r\n\r\n"
                    .to_vec(),
                (0..=255).collect(),
            ]
            .concat(),
        ),
        get("big", big),
        get(
            "chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\n\r\n",
        ),
        get(
            "until-close",
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nuntil the end",
        )
        .closing(),
        get(
            "range",
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\nContent-Length: 4\r\n\r\n2345",
        ),
        get(
            "several-ranges",
            "HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=B\r\nContent-Length: 18\r\n\r\n--B\r\n\r\n01\r\n--B--\r\n",
        ),
        get(
            "not-satisfiable",
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n",
        ),
        get(
            "challenges",
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Session realm=\"a\"\r\nWWW-Authenticate: Basic realm=\"b\"\r\nContent-Length: 0\r\n\r\n",
        ),
        head("head-length", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
        head(
            "head-chunked",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        case(
            "trailers",
            "GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTrailer: X-Checksum, X-Rows\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Checksum: 17\r\nX-Rows: 1\r\n\r\n",
        ),
        get(
            "early-hints",
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ),
        get(
            "processing",
            "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ),
        get(
            "cache-fields",
            "HTTP/1.1 200 OK\r\nCache-Control: private, no-cache\r\nAge: 0\r\nWarning: 110 - \"stale\"\r\nContent-Length: 0\r\n\r\n",
        ),
    ]
}

/// Requests of every kind.
pub(super) fn requests() -> Vec<Case> {
    let chunked = "POST /chunked-up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;n=v\r\npedia\r\n0\r\n\r\n";
    let trailers = "POST /trailers-up HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\nX-Sum: 9\r\n\r\n";
    let big = [
        b"PUT /big-up HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n".to_vec(),
        pattern(3 << 20),
    ]
    .concat();
    vec![
        ask(
            "fields",
            "GET /fields HTTP/1.1\r\nHOST: Home.Example:8080\r\nuser-agent: x\r\nX-ODD-cAsE: 1\r\nAccept: a\r\naccept: b\r\nCookie: a=1; b=2\r\nX-Empty:\r\n\r\n",
        ),
        ask("latin-1-up", b"GET /latin-1-up HTTP/1.1\r\nHost: a\r\nX-Name: K\xfcche\r\n\r\n"),
        ask(
            "nominated",
            "GET /nominated HTTP/1.1\r\nHost: a\r\nConnection: X-Mine, keep-alive\r\nKeep-Alive: timeout=5\r\nX-Other: 1\r\n\r\n",
        ),
        ask(
            "encoded",
            "GET /encoded/a%2Fb/%7Euser/%E4%BD%A0/;p=1/$&'()*+,:@ HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        ask("dots", "GET /dots/../x/./y//z HTTP/1.1\r\nHost: a\r\n\r\n"),
        ask("query", "GET /query?a=1&&b=%20+c&=x?y/z&[k]=v|w HTTP/1.1\r\nHost: a\r\n\r\n"),
        ask("empty-query", "GET /empty-query? HTTP/1.1\r\nHost: a\r\n\r\n"),
        ask("http-1.0", "GET /http-1.0 HTTP/1.0\r\nHost: a\r\n\r\n"),
        ask(
            "forwarded",
            "GET /forwarded HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\nVia: 1.1 edge\r\n\r\n",
        ),
        ask(
            "conditional",
            "GET /conditional HTTP/1.1\r\nHost: a\r\nIf-None-Match: W/\"a\", \"b\"\r\nIf-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT\r\nRange: bytes=0-4,7-\r\nIf-Range: \"a\"\r\n\r\n",
        ),
        ask(
            "form",
            "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=1&b=2",
        ),
        ask(
            "nothing-posted",
            "POST /nothing-posted HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        ),
        ask(
            "delete-with-body",
            "DELETE /delete-with-body HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        ),
        ask(
            "get-with-body",
            "GET /get-with-body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        ),
        ask("purge", "PURGE /purge HTTP/1.1\r\nHost: a\r\n\r\n"),
        ask("options", "OPTIONS /options HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\r\n"),
        ask("chunked-up", chunked),
        ask("trailers-up", trailers),
        ask("big-up", big),
    ]
}

/// Bytes that repeat nowhere near.
fn pattern(length: u32) -> Vec<u8> {
    (0..length).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}
