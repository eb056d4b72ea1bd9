//! Whatever comes, and however divided: one verdict.

use proptest::prelude::*;

use super::{Limits, verdict};

const PIECES: [&str; 24] = [
    "GET ",
    "POST ",
    "/",
    "/a?b",
    "http://a/",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    "Host: a\r\n",
    "\r\n",
    "\n",
    "\r",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "abc",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
    ";x=y",
    "X: y\r\n",
    "Upgrade: w\r\n",
    " ",
    ":",
    "\0",
    "a",
    "\u{7f}",
];

fn input() -> impl Strategy<Value = Vec<u8>> {
    let piece = (0..PIECES.len()).prop_map(|i| PIECES[i]);
    let rest = proptest::collection::vec(piece, 0..12);
    let starts = [
        "",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    ((0..starts.len()), rest).prop_map(move |(start, rest)| {
        let mut bytes = starts[start].as_bytes().to_vec();
        rest.iter().for_each(|piece| bytes.extend_from_slice(piece.as_bytes()));
        bytes
    })
}

proptest! {
    #[test]
    fn any_division_gives_the_same_verdict(input in input(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let small = Limits { head_bytes_max: 80, target_bytes_max: 20, fields_max: 4, trailer_bytes_max: 30, ..Limits::default() };
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        for limits in [Limits::default(), small] {
            let mut pieces = Vec::new();
            let mut from = 0;
            for &cut in cuts.iter().chain([&input.len()]) {
                pieces.push(&input[from..cut]);
                from = cut;
            }
            prop_assert_eq!(verdict(limits, pieces), verdict(limits, [input.as_slice()]));
        }
    }
}
