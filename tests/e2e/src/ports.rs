//! Ports that no one uses, for servers that must be told one.
//!
//! They lie below the range from which the kernel takes ports of outgoing connections, so that
//! no client can take one between our look and the server's bind.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 18_000;
const COUNT: u16 = 14_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A loopback address whose port was free a moment ago and is given out once per process.
///
/// # Panics
/// When every port of the range is taken.
pub fn free() -> SocketAddr {
    (0..COUNT)
        .map(|_| candidate())
        .find(|addr| TcpListener::bind(addr).is_ok())
        .expect("one of 14,000 loopback ports is free")
}

/// Processes start at different places, so that two rigs at once rarely meet.
fn candidate() -> SocketAddr {
    let start = std::process::id().wrapping_mul(619) % u32::from(COUNT);
    let step = NEXT.fetch_add(1, Ordering::Relaxed);
    let offset = (start + u32::from(step)) % u32::from(COUNT);
    let port = FIRST + u16::try_from(offset).expect("an offset below COUNT fits");
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
