//! Logging in at the monolith, as its users do.

use std::net::SocketAddr;

use anyhow::Context;
use bytes::Bytes;
use http::Request;

use crate::client::Client;

/// Alice logs in at `addr`, the monolith or Cutover in front of it. Gives the cookie of her
/// session, as `NAME=VALUE`; registry takes it as well.
pub async fn alice(addr: SocketAddr) -> anyhow::Result<String> {
    let request = Request::post("/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(b"login=alice&password=sesame"))?;
    let answer = Client::http1(addr).await?.ask(request).await.context("alice cannot log in")?;
    let cookies = answer.headers.get_all("set-cookie").iter();
    let session = cookies.filter_map(|value| value.to_str().ok()?.split(';').next()).next();
    session.map(str::to_owned).context("logging in gave no cookie")
}

/// Whether the seed's device `id` is Alice's.
pub fn is_alices(id: u32) -> bool {
    // The seed gives device n to a home by n modulo 8; two numbers were deleted.
    !matches!(id % 8, 1 | 2) && ![13, 29].contains(&id)
}
