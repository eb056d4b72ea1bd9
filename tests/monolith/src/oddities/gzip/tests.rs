use std::io::Write;
use std::process::{Command, Stdio};

use super::*;

/// gzip(1) is the judge.
fn unpacked(file: &[u8]) -> Vec<u8> {
    let mut gzip = Command::new("gzip")
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = gzip.stdin.take().unwrap();
    let file = file.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&file).unwrap());
    let output = gzip.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "gzip says the file is damaged");
    output.stdout
}

#[test]
fn gzip_reads_what_we_write() {
    let far: Vec<u8> = [
        &b"needle in the hay"[..],
        &(0..30_000_u32).flat_map(u32::to_be_bytes).collect::<Vec<_>>()[..20_000],
        b"needle in the hay",
    ]
    .concat();
    for text in [
        &b""[..],
        b"a",
        b"abcabcabcabcabcabc",
        &[0; 100_000],
        &(0..=255).collect::<Vec<u8>>(),
        &far,
    ] {
        assert_eq!(unpacked(&compress(text)), text);
    }
}

#[test]
fn repeats_are_found() {
    assert!(compress(&b"0123456789".repeat(1000)).len() < 200);
}
