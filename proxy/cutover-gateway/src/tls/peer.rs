//! Who a client is, by its certificate.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::TlsRefusal;

/// The identity in a verified client certificate.
#[derive(Debug)]
pub struct PeerIdentity {
    /// The last common name of the subject, if any.
    pub common_name: Option<String>,
    /// The names of the subject alternative name extension.
    pub sans: SubjectAltNames,
    /// The serial number in lower-case hexadecimal, without separators.
    pub serial: String,
    /// SHA-256 of the whole certificate (DER).
    pub fingerprint: [u8; 32],
    /// The subject as text, e.g. `O=Acme, CN=device-42`.
    pub subject: String,
    not_after: u64,
    chain: Vec<CertificateDer<'static>>,
    checked: AtomicU64,
}

/// Names by kind, in the certificate's order; other kinds are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectAltNames {
    /// DNS names.
    pub dns: Vec<String>,
    /// URIs, e.g. `urn:device:42` or a SPIFFE id.
    pub uri: Vec<String>,
    /// Mail addresses.
    pub email: Vec<String>,
    /// IP addresses.
    pub ip: Vec<String>,
}

// === impl PeerIdentity ===

impl PeerIdentity {
    /// The fingerprint in lower-case hexadecimal.
    #[must_use]
    pub fn fingerprint_hex(&self) -> String {
        hex(&self.fingerprint)
    }

    /// The first instant, in seconds since 1970, after which a certificate of
    /// the chain sent is no longer valid.
    #[must_use]
    pub fn not_after(&self) -> u64 {
        self.not_after
    }

    /// Reads a chain that was verified at `generation`.
    pub(super) fn parse(
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        generation: u64,
    ) -> Result<Self, TlsRefusal> {
        let (_, cert) = X509Certificate::from_der(leaf).map_err(|_| TlsRefusal::Invalid)?;
        let common_name =
            cert.subject().iter_common_name().filter_map(|name| name.as_str().ok()).last();
        let chain = std::iter::once(leaf).chain(rest);
        Ok(Self {
            common_name: common_name.map(str::to_owned),
            sans: SubjectAltNames::of(&cert),
            serial: hex(cert.raw_serial()),
            fingerprint: sha256(leaf),
            subject: cert.subject().to_string(),
            not_after: first_end(chain.clone()),
            chain: chain.map(|cert| cert.clone().into_owned()).collect(),
            checked: AtomicU64::new(generation),
        })
    }

    pub(super) fn chain(&self) -> (&CertificateDer<'static>, &[CertificateDer<'static>]) {
        self.chain.split_first().expect("parse puts the leaf first")
    }

    pub(super) fn is_checked(&self, generation: u64) -> bool {
        self.checked.load(Ordering::Relaxed) == generation
    }

    pub(super) fn set_checked(&self, generation: u64) {
        self.checked.store(generation, Ordering::Relaxed);
    }
}

// === impl SubjectAltNames ===

impl SubjectAltNames {
    fn of(cert: &X509Certificate<'_>) -> Self {
        let mut names = Self::default();
        // An extension that occurs twice or does not parse yields no names.
        let Ok(Some(extension)) = cert.subject_alternative_name() else {
            return names;
        };
        for name in &extension.value.general_names {
            match name {
                GeneralName::DNSName(dns) => names.dns.push((*dns).to_owned()),
                GeneralName::URI(uri) => names.uri.push((*uri).to_owned()),
                GeneralName::RFC822Name(email) => names.email.push((*email).to_owned()),
                GeneralName::IPAddress(bytes) => names.ip.extend(ip_text(bytes)),
                _ => {}
            }
        }
        names
    }
}

fn ip_text(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|octets| Ipv4Addr::from(octets).to_string());
    let v6 = || <[u8; 16]>::try_from(bytes).map(|octets| Ipv6Addr::from(octets).to_string());
    v4.or_else(|_| v6()).ok()
}

/// When the first of them ends, in seconds since 1970; 0 if that cannot be told.
pub(super) fn first_end<'c>(chain: impl IntoIterator<Item = &'c CertificateDer<'c>>) -> u64 {
    chain.into_iter().filter_map(not_after).min().unwrap_or(0)
}

fn not_after(cert: &CertificateDer<'_>) -> Option<u64> {
    let (_, cert) = X509Certificate::from_der(cert).ok()?;
    u64::try_from(cert.validity().not_after.timestamp()).ok()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
