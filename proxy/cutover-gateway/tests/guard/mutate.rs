//! Structured mutations of the corpus: what a careful attacker would try.

use bolero::TypeGenerator;
use bolero::generator::bolero_generator::driver::{ByteSliceDriver, Options};

/// One mutated input: a corpus entry, changed step by step.
#[derive(Debug, Clone, TypeGenerator)]
pub(crate) struct Case {
    base: u8,
    steps: [Step; 4],
    /// How many of the steps are taken.
    count: u8,
}

#[derive(Debug, Clone, Copy, TypeGenerator)]
struct Step {
    kind: Kind,
    at: u16,
    other: u16,
}

#[derive(Debug, Clone, Copy, TypeGenerator)]
enum Kind {
    SwapLines,
    RepeatLine,
    DropLine,
    InsertField,
    InsertFieldToo,
    InsertBytes,
    DropByte,
    RepeatByte,
    ReplaceByte,
    FlipCase,
    Append,
    CutOff,
}

/// Fields that frame, or nearly do.
const FIELDS: [&[u8]; 34] = [
    b"Content-Length: 0",
    b"Content-Length: 3",
    b"content-length:4",
    b"Content-Length: 03",
    b"Content-Length: 3 ",
    b"Content-Length:\t3",
    b"Content-Length: 3,3",
    b"Content-Length: -1",
    b"Content-Length: 18446744073709551616",
    b"Content-Length : 3",
    b"Content-Length",
    b"Content_Length: 3",
    b"X-Content-Length: 3",
    b"Transfer-Encoding: chunked",
    b"transfer-encoding:CHUNKED",
    b"Transfer-Encoding: chunked ",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: \"chunked\"",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding\x0b: chunked",
    b"Host: b",
    b"Host: a, b",
    b"Host: a:80",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: Transfer-Encoding",
    b"Expect: 100-continue",
    b"Upgrade: websocket",
    b"TE: trailers",
    b"X: \x80\xff",
    b"",
];

/// Bytes that one parser or another takes for something else.
const BYTES: [&[u8]; 40] = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b" ",
    b"\t",
    b"\x0b",
    b"\x0c",
    b"\0",
    b"\x7f",
    b"\x80",
    b"\xa0",
    b":",
    b";",
    b",",
    b"=",
    b"\"",
    b"\\",
    b"#",
    b"?",
    b"%",
    b"/",
    b"//",
    b"@",
    b"[",
    b"]",
    b"0",
    b"1",
    b"f",
    b"-",
    b"+",
    b"0x",
    b"0\r\n\r\n",
    b"1\r\na\r\n",
    b"3;x=y\r\nabc\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b" HTTP/1.1",
    b"http://a",
];

impl Case {
    /// A case outside bolero, for tests that want to be asynchronous.
    pub(crate) fn random(rng: &mut fastrand::Rng) -> Self {
        let mut bytes = [0; 64];
        rng.fill(&mut bytes);
        let mut driver = ByteSliceDriver::new(&bytes, &Options::default());
        Self::generate(&mut driver).expect("64 bytes are more than a case takes")
    }

    /// Where the input is divided; beyond its end means anywhere.
    pub(crate) fn cut(&self) -> usize {
        usize::from(self.steps[0].other)
    }

    /// The mutated bytes.
    pub(crate) fn bytes(&self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = corpus[usize::from(self.base) % corpus.len()].clone();
        let count = usize::from(self.count) % (self.steps.len() + 1);
        for step in &self.steps[..count] {
            step.apply(&mut bytes, corpus);
        }
        bytes
    }
}

impl Step {
    fn apply(self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let other = usize::from(self.other);
        let at = usize::from(self.at) % (bytes.len() + 1);
        match self.kind {
            Kind::SwapLines => with_lines(bytes, |lines| {
                let (a, b) = (at % lines.len(), other % lines.len());
                lines.swap(a, b);
            }),
            Kind::RepeatLine => with_lines(bytes, |lines| {
                let line = lines[at % lines.len()].clone();
                lines.insert(other % lines.len(), line);
            }),
            Kind::DropLine => with_lines(bytes, |lines| {
                lines.remove(at % lines.len());
            }),
            Kind::InsertField | Kind::InsertFieldToo => with_lines(bytes, |lines| {
                let field = [FIELDS[other % FIELDS.len()], b"\r\n"].concat();
                lines.insert((1 + at % 4).min(lines.len()), field);
            }),
            Kind::InsertBytes => {
                drop(bytes.splice(at..at, BYTES[other % BYTES.len()].iter().copied()))
            }
            Kind::Append => bytes.extend_from_slice(&corpus[other % corpus.len()]),
            Kind::CutOff => bytes.truncate(at),
            Kind::DropByte | Kind::RepeatByte | Kind::ReplaceByte | Kind::FlipCase => {
                self.byte(bytes, at)
            }
        }
    }

    fn byte(self, bytes: &mut Vec<u8>, at: usize) {
        let Some(&byte) = bytes.get(at) else { return };
        match self.kind {
            Kind::DropByte => drop(bytes.remove(at)),
            Kind::RepeatByte => bytes.insert(at, byte),
            Kind::FlipCase => bytes[at] ^= 0x20,
            _ => bytes[at] = self.other.to_le_bytes()[0],
        }
    }
}

/// Changes the input as a list of lines, each with its line end.
fn with_lines(bytes: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        lines.push(Vec::new());
    }
    change(&mut lines);
    *bytes = lines.concat();
}

/// The corpus, in the order of file names.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/guard");
    let mut paths: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}
