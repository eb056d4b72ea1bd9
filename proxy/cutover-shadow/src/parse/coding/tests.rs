use std::io::Write;

use flate2::{Compression, write};

use super::*;

const TEXT: &[u8] = br#"{"name": "device 7", "tags": ["a", "a", "a", "a", "a", "a"]}"#;
/// `TEXT`, by the reference encoders.
const BROTLI: &[u8] = include_bytes!("tests/text.br");
const ZSTD: &[u8] = include_bytes!("tests/text.zst");

fn headers(codings: &[&str]) -> HeaderMap {
    codings.iter().map(|coding| (header::CONTENT_ENCODING, coding.parse().unwrap())).collect()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_coding_is_undone() {
    for (codings, body) in [
        (&[][..], TEXT.to_vec()),
        (&["identity"], TEXT.to_vec()),
        (&["gzip"], gzip(TEXT)),
        (&["X-GZip"], gzip(TEXT)),
        (&["deflate"], zlib(TEXT)),
        (&["deflate"], raw_deflate(TEXT)),
        (&["br"], BROTLI.to_vec()),
        (&["zstd"], ZSTD.to_vec()),
        (&["gzip, deflate"], zlib(&gzip(TEXT))),
        (&["gzip", "deflate"], zlib(&gzip(TEXT))),
        (&["gzip"], [gzip(&TEXT[..9]), gzip(&TEXT[9..])].concat()),
        (&["zstd"], ZSTD.to_vec()),
    ] {
        assert_eq!(undo(&body, &headers(codings)).as_deref(), Ok(TEXT), "{codings:?}");
    }
    let twice = [ZSTD, ZSTD].concat();
    assert_eq!(undo(&twice, &headers(&["zstd"])).unwrap().len(), 2 * TEXT.len());
}

#[test]
fn broken_and_unknown_codings_are_told_apart() {
    for coding in ["gzip", "deflate", "br", "zstd"] {
        assert_eq!(undo(TEXT, &headers(&[coding])), Err(CodingError::Broken), "{coding}");
    }
    for (coding, whole) in [("gzip", gzip(TEXT)), ("br", BROTLI.into()), ("zstd", ZSTD.into())] {
        let cut = &whole[..whole.len() - 5];
        assert_eq!(undo(cut, &headers(&[coding])), Err(CodingError::Broken), "cut {coding}");
    }
    assert_eq!(undo(TEXT, &headers(&["compress"])), Err(CodingError::Unknown));
    assert_eq!(undo(TEXT, &headers(&["gzip, gzip, gzip, gzip"])), Err(CodingError::Unknown));
}

#[test]
fn a_bomb_is_not_unpacked_to_its_end() {
    let zeros = vec![0; 64 * 1024 * 1024];
    for (coding, bomb) in [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros))] {
        assert_eq!(undo(&bomb, &headers(&[coding])), Err(CodingError::TooLong), "{coding}");
    }
    let nested = gzip(&gzip(&zeros));
    assert_eq!(undo(&nested, &headers(&["gzip, gzip"])), Err(CodingError::TooLong));
    let exact = gzip(&zeros[..DECODED_BYTES_MAX as usize]);
    assert_eq!(undo(&exact, &headers(&["gzip"])).map(|body| body.len()), Ok(4 * 1024 * 1024));
    let one_more = gzip(&zeros[..=DECODED_BYTES_MAX as usize]);
    assert_eq!(undo(&one_more, &headers(&["gzip"])), Err(CodingError::TooLong));
}
