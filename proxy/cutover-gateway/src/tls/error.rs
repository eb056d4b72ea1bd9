//! What can be wrong with TLS files, and with a client's certificate.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustls::{CertificateError, Error};

/// A TLS file could not be used. `Display` says which, what is wrong and the
/// remedy; the cause is the source.
#[derive(Debug, thiserror::Error)]
#[error("{file} {}: {problem}; {}", .path.display(), .problem.remedy())]
pub struct TlsError {
    /// What the file is for.
    pub file: TlsFile,
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub problem: TlsProblem,
}

impl TlsError {
    pub(super) fn new(file: TlsFile, path: &Path, problem: TlsProblem) -> Self {
        Self { file, path: path.to_owned(), problem }
    }

    /// The stable name for metrics and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }
}

/// What a TLS file is for; displays as the words of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFile {
    /// `cert`
    Cert,
    /// `key`
    Key,
    /// `client_ca`
    ClientCa,
    /// `client_crl`
    ClientCrl,
    /// `ca` of an upstream
    Ca,
}

impl fmt::Display for TlsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cert => "tls.cert",
            Self::Key => "tls.key",
            Self::ClientCa => "tls.client_ca",
            Self::ClientCrl => "tls.client_crl",
            Self::Ca => "tls.ca",
        })
    }
}

/// What is wrong with a TLS file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsProblem {
    /// It could not be opened or read.
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
    /// It has no block of the kind wanted.
    #[error("holds no PEM block '{0}'")]
    NoBlock(&'static str),
    /// It is not well-formed PEM.
    #[error("is not well-formed PEM")]
    NotPem(#[source] rustls::pki_types::pem::Error),
    /// The nth block (from 1) is not what its label says.
    #[error("block {0} is not a valid {1}")]
    Malformed(usize, &'static str, #[source] Error),
    /// The leaf certificate is of an old X.509 version: 1 or 2.
    #[error("the certificate is of X.509 version {0}, and TLS needs version 3")]
    CertVersion(u32),
    /// The private key is encrypted.
    #[error("the private key is encrypted")]
    Encrypted,
    /// The key is of a kind that is not supported.
    #[error("the private key cannot be used")]
    KeyUnusable(#[source] Error),
    /// The key belongs to another certificate.
    #[error("the key does not belong to the certificate")]
    KeyMismatch,
    /// A revocation list cannot be used.
    #[error("a revocation list cannot be used")]
    Crl(#[source] rustls::server::VerifierBuilderError),
    /// Revocation lists without a CA.
    #[error("revocation lists need tls.client_ca")]
    CrlWithoutCa,
    /// The operating system has no CA certificates.
    #[error("the operating system's CA certificates were not found")]
    NoNativeRoots,
    /// Refused by rustls for another reason.
    #[error("cannot be used")]
    Rustls(#[source] Error),
}

impl TlsProblem {
    /// The stable name for metrics and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.texts().0
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        self.texts().1
    }

    fn texts(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable(_) => {
                ("tls_unreadable", "check that the file exists and that this user may read it")
            }
            Self::NoBlock(_) => (
                "tls_no_block",
                "convert it with openssl to PEM ('-----BEGIN …'), or name the right file",
            ),
            Self::NotPem(_) => ("tls_not_pem", "write it anew; a block may be cut off"),
            Self::Malformed(..) => ("tls_malformed", "write it anew; the block may be damaged"),
            Self::CertVersion(_) => (
                "tls_cert_version",
                "issue it anew with extensions, as 'openssl req -x509 -addext subjectAltName=DNS:NAME' and 'openssl x509 -req -extfile FILE' do",
            ),
            Self::Encrypted => (
                "tls_key_encrypted",
                "decrypt it with 'openssl pkey -in KEY -out PLAIN' and protect the file",
            ),
            Self::KeyUnusable(_) => (
                "tls_key_unusable",
                "use an ECDSA P-256 or P-384, Ed25519 or RSA key of 2048 bits or more",
            ),
            Self::KeyMismatch => (
                "tls_key_mismatch",
                "name the key that the certificate was made for; compare 'openssl x509 -noout -pubkey' and 'openssl pkey -pubout'",
            ),
            Self::Crl(_) => ("tls_crl", "use version 2 lists that cover a whole CA, not deltas"),
            Self::CrlWithoutCa => {
                ("tls_crl_without_ca", "name the CA of the clients, or leave the lists out")
            }
            Self::NoNativeRoots => {
                ("tls_no_native_roots", "install the package ca-certificates, or name a CA file")
            }
            Self::Rustls(_) => ("tls_unusable", "see the cause"),
        }
    }
}

/// Something that works but should not stay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsWarning {
    /// The certificate has expired: clients will refuse it.
    #[error("{file} {}: has expired at {at}; renew it", .path.display())]
    Expired {
        /// What the file is for.
        file: TlsFile,
        /// Where it is.
        path: PathBuf,
        /// When, as text in UTC.
        at: String,
    },
    /// The certificate expires within 14 days.
    #[error("{file} {}: expires at {at}; renew it", .path.display())]
    ExpiresSoon {
        /// What the file is for.
        file: TlsFile,
        /// Where it is.
        path: PathBuf,
        /// When, as text in UTC.
        at: String,
    },
    /// The certificate is not valid yet.
    #[error("{file} {}: is not valid before {at}; check the clock", .path.display())]
    NotYetValid {
        /// What the file is for.
        file: TlsFile,
        /// Where it is.
        path: PathBuf,
        /// When, as text in UTC.
        at: String,
    },
    /// A revocation list is past its next update; it is used all the same.
    #[error("{file} {}: a list was due for renewal at {at}; fetch a new one", .path.display())]
    CrlStale {
        /// What the file is for.
        file: TlsFile,
        /// Where it is.
        path: PathBuf,
        /// When, as text in UTC.
        at: String,
    },
    /// No list comes from a CA of `client_ca`: clients of these will be refused.
    #[error("{file} {}: no list is issued by a CA of tls.client_ca; name the lists of these CAs", .path.display())]
    CrlForeign {
        /// What the file is for.
        file: TlsFile,
        /// Where it is.
        path: PathBuf,
    },
}

/// Why a client's certificate does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsRefusal {
    /// None was given though one is required.
    #[error("no client certificate")]
    Missing,
    /// It, or a CA between, is revoked.
    #[error("the client certificate is revoked")]
    Revoked,
    /// There are revocation lists, but none covers it.
    #[error("the client certificate's revocation status is unknown")]
    StatusUnknown,
    /// It is not valid at this time.
    #[error("the client certificate is expired or not valid yet")]
    Expired,
    /// It does not lead to a CA of the listener.
    #[error("the client certificate comes from an unknown CA")]
    UnknownIssuer,
    /// It is malformed, not for clients, or badly signed.
    #[error("the client certificate is invalid")]
    Invalid,
}

impl TlsRefusal {
    /// The stable name for metrics and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Revoked => "revoked",
            Self::StatusUnknown => "status_unknown",
            Self::Expired => "expired",
            Self::UnknownIssuer => "unknown_issuer",
            Self::Invalid => "invalid",
        }
    }
}

impl From<Error> for TlsRefusal {
    fn from(error: Error) -> Self {
        use CertificateError as E;
        let Error::InvalidCertificate(error) = error else {
            return Self::Invalid;
        };
        match error {
            E::Revoked => Self::Revoked,
            E::UnknownRevocationStatus => Self::StatusUnknown,
            E::Expired
            | E::ExpiredContext { .. }
            | E::NotValidYet
            | E::NotValidYetContext { .. } => Self::Expired,
            E::UnknownIssuer => Self::UnknownIssuer,
            _ => Self::Invalid,
        }
    }
}
