//! Whose trace context is continued.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Which peers may make us continue their traces and pass their baggage on.
///
/// Whoever is not trusted gets a new trace that links to theirs: nobody outside
/// may fill our traces with spans or force their recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Everybody; right behind an edge of one's own.
    Always,
    /// Nobody; right on the open Internet.
    #[default]
    Never,
    /// Peers whose address lies in one of these networks.
    Cidrs(Vec<IpNet>),
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpNet {
    /// IPv4 in its mapped form, so that one comparison serves both families.
    network: u128,
    mask: u128,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no network: {problem}; write it like 10.0.0.0/8 or fd00::/8")]
pub struct IpNetError {
    text: String,
    problem: &'static str,
}

// === impl Trust ===

impl Trust {
    /// Whether the peer is trusted. An unknown address is trusted only by
    /// [`Trust::Always`].
    #[must_use]
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Cidrs(networks) => {
                peer.is_some_and(|peer| networks.iter().any(|network| network.contains(peer)))
            }
        }
    }
}

// === impl IpNet ===

impl IpNet {
    /// Whether the address lies in the network. An IPv4 address and its mapped
    /// IPv6 form are the same.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.network
    }
}

impl FromStr for IpNet {
    type Err = IpNetError;

    /// `ADDRESS/BITS`, or an address alone for that one host. Bits of the
    /// address behind the mask must be zero: `10.1.0.0/8` is a slip, not a wish.
    fn from_str(text: &str) -> Result<Self, IpNetError> {
        let error = |problem| IpNetError { text: text.to_owned(), problem };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error("the address cannot be read"))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => width,
            Some(length) => length
                .parse::<u32>()
                .ok()
                .filter(|length| *length <= width)
                .ok_or_else(|| error("the prefix length is out of range"))?,
        };
        let host_bits = width - length;
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        let network = bits(address);
        if network & !mask != 0 {
            return Err(error("it has bits set behind the prefix"));
        }
        Ok(Self { network, mask })
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}

#[cfg(test)]
mod tests;
