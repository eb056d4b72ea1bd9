//! Reading PEM files.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};
use x509_parser::time::ASN1Time;

use super::{TlsError, TlsFile, TlsProblem, TlsWarning, provider};

const SOON_SECONDS: i64 = 14 * 24 * 3600;

/// A chain and its key, which belong together.
pub(super) fn identity(
    cert: &Path,
    key: &Path,
    warnings: &mut Vec<TlsWarning>,
) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(TlsFile::Cert, cert)?;
    if let Some(leaf) = chain.first() {
        check_leaf(cert, leaf, warnings)?;
    }
    let key_der = private_key(key)?;
    CertifiedKey::from_der(chain, key_der, &provider()).map_err(|source| {
        let of_key = |problem| TlsError::new(TlsFile::Key, key, problem);
        match source {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                of_key(TlsProblem::KeyMismatch)
            }
            // The key is compared with the certificate, which is what could not be read here.
            source @ Error::InvalidCertificate(_) => {
                TlsError::new(TlsFile::Cert, cert, TlsProblem::Rustls(source))
            }
            source => of_key(TlsProblem::KeyUnusable(source)),
        }
    })
}

/// The CAs of a file.
pub(super) fn roots(file: TlsFile, path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for (i, cert) in certificates(file, path)?.into_iter().enumerate() {
        roots.add(cert).map_err(|source| {
            TlsError::new(file, path, TlsProblem::Malformed(i + 1, "CA certificate", source))
        })?;
    }
    Ok(roots)
}

pub(super) fn certificates(
    file: TlsFile,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    blocks(file, path, "CERTIFICATE")
}

pub(super) fn revocation_lists(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    blocks(TlsFile::ClientCrl, path, "X509 CRL")
}

/// Now, in seconds since 1970.
pub(super) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}

pub(super) fn show(time: ASN1Time) -> String {
    time.to_rfc2822().unwrap_or_else(|_| time.timestamp().to_string())
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let fail = |problem| TlsError::new(TlsFile::Key, path, problem);
    let text = std::fs::read(path).map_err(|source| fail(TlsProblem::Unreadable(source)))?;
    let encrypted: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];
    if encrypted.iter().any(|mark| memchr::memmem::find(&text, mark).is_some()) {
        return Err(fail(TlsProblem::Encrypted));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|source| match source {
        pem::Error::NoItemsFound => fail(TlsProblem::NoBlock("PRIVATE KEY")),
        source => fail(TlsProblem::NotPem(source)),
    })
}

/// All blocks of one kind; at least one.
fn blocks<T: PemObject>(
    file: TlsFile,
    path: &Path,
    label: &'static str,
) -> Result<Vec<T>, TlsError> {
    let fail = |problem| TlsError::new(file, path, problem);
    let text = std::fs::read(path).map_err(|source| fail(TlsProblem::Unreadable(source)))?;
    let blocks: Result<Vec<T>, _> = T::pem_slice_iter(&text).collect();
    let blocks = blocks.map_err(|source| fail(TlsProblem::NotPem(source)))?;
    if blocks.is_empty() { Err(fail(TlsProblem::NoBlock(label))) } else { Ok(blocks) }
}

fn check_leaf(
    path: &Path,
    leaf: &CertificateDer<'_>,
    warnings: &mut Vec<TlsWarning>,
) -> Result<(), TlsError> {
    let malformed = |_| {
        let source = Error::InvalidCertificate(rustls::CertificateError::BadEncoding);
        TlsError::new(TlsFile::Cert, path, TlsProblem::Malformed(1, "certificate", source))
    };
    let (_, cert) = X509Certificate::from_der(leaf).map_err(malformed)?;
    if cert.version() != X509Version::V3 {
        // Counted from 0 on the wire (RFC 5280 §4.1.2.1).
        let version = cert.version().0.saturating_add(1);
        return Err(TlsError::new(TlsFile::Cert, path, TlsProblem::CertVersion(version)));
    }
    let (begin, end) = (cert.validity().not_before, cert.validity().not_after);
    let (file, path, now) = (TlsFile::Cert, path.to_owned(), now());
    if end.timestamp() < now {
        warnings.push(TlsWarning::Expired { file, path, at: show(end) });
    } else if begin.timestamp() > now {
        warnings.push(TlsWarning::NotYetValid { file, path, at: show(begin) });
    } else if end.timestamp() < now + SOON_SECONDS {
        warnings.push(TlsWarning::ExpiresSoon { file, path, at: show(end) });
    }
    Ok(())
}
