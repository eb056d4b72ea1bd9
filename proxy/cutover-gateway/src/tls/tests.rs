//! Tests of TLS: files, reload, and clients' identities over real handshakes.

mod clients;
mod files;
mod pki;
mod reload;
