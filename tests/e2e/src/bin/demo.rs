//! The demo's process. Its story is in `e2e::demo`.

fn main() {}
