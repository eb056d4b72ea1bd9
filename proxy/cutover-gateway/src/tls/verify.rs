//! Verifying client certificates: at the handshake, and again whenever the
//! files may have changed since.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::{
    ClientAuth, TlsError, TlsFile, TlsFiles, TlsProblem, TlsRefusal, TlsWarning, files, provider,
};

/// Two views of one set of CAs and revocation lists, since webpki has one
/// policy for a whole chain: the leaf's status must be known, that of a CA
/// between counts only if a list says it is revoked (most sites publish lists
/// for leaves alone).
#[derive(Debug)]
pub(super) struct ClientVerifier {
    leaf: Arc<dyn ClientCertVerifier>,
    chain: Option<Arc<dyn ClientCertVerifier>>,
}

/// `None` if clients are not asked for certificates.
pub(super) fn client_verifier(
    files: &TlsFiles,
    warnings: &mut Vec<TlsWarning>,
) -> Result<Option<Arc<ClientVerifier>>, TlsError> {
    let Some(ca) = &files.client_ca else {
        return match &files.client_crl {
            Some(crl) => Err(TlsError::new(TlsFile::ClientCrl, crl, TlsProblem::CrlWithoutCa)),
            None => Ok(None),
        };
    };
    let roots = Arc::new(files::roots(TlsFile::ClientCa, ca)?);
    let lists = match &files.client_crl {
        Some(crl) => revocation_lists(crl, &roots, warnings)?,
        None => Vec::new(),
    };
    let place = files.client_crl.as_deref().unwrap_or(ca);
    ClientVerifier::new(roots, lists, files.client_auth, place)
        .map(|verifier| Some(Arc::new(verifier)))
}

impl ClientVerifier {
    fn new(
        roots: Arc<RootCertStore>,
        lists: Vec<CertificateRevocationListDer<'static>>,
        auth: ClientAuth,
        place: &Path,
    ) -> Result<Self, TlsError> {
        let has_lists = !lists.is_empty();
        let builder = || {
            let builder = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider())
                .with_crls(lists.clone());
            match auth {
                ClientAuth::Required => builder,
                ClientAuth::Optional => builder.allow_unauthenticated(),
            }
        };
        let fail = |source| TlsError::new(TlsFile::ClientCrl, place, TlsProblem::Crl(source));
        let leaf = builder().only_check_end_entity_revocation().build().map_err(fail)?;
        let chain = has_lists
            .then(|| builder().allow_unknown_revocation_status().build())
            .transpose()
            .map_err(fail)?;
        Ok(Self { leaf, chain })
    }

    pub(super) fn is_required(&self) -> bool {
        self.leaf.client_auth_mandatory()
    }

    pub(super) fn check(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), TlsRefusal> {
        self.verify_client_cert(leaf, rest, now).map(drop).map_err(TlsRefusal::from)
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.leaf.verify_client_cert(leaf, rest, now)?;
        // Only a client that sends a CA between has more to look at.
        match &self.chain {
            Some(chain) if !rest.is_empty() => chain.verify_client_cert(leaf, rest, now),
            _ => Ok(verified),
        }
    }

    fn offer_client_auth(&self) -> bool {
        self.leaf.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.leaf.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.leaf.root_hint_subjects()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.leaf.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.leaf.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.leaf.supported_verify_schemes()
    }
}

fn revocation_lists(
    path: &Path,
    roots: &RootCertStore,
    warnings: &mut Vec<TlsWarning>,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let (file, lists) = (TlsFile::ClientCrl, files::revocation_lists(path)?);
    let mut known = false;
    for (i, list) in lists.iter().enumerate() {
        let (_, parsed) = CertificateRevocationList::from_der(list).map_err(|_| {
            let source =
                Error::InvalidCertRevocationList(rustls::CertRevocationListError::ParseError);
            TlsError::new(file, path, TlsProblem::Malformed(i + 1, "revocation list", source))
        })?;
        let issuer = parsed.issuer().as_raw();
        // webpki keeps a subject without its outer SEQUENCE header.
        known |= roots.roots.iter().any(|root| issuer.ends_with(&root.subject));
        if let Some(due) = parsed.next_update().filter(|due| due.timestamp() < files::now()) {
            warnings.push(TlsWarning::CrlStale {
                file,
                path: path.to_owned(),
                at: files::show(due),
            });
        }
    }
    if !known {
        warnings.push(TlsWarning::CrlForeign { file, path: path.to_owned() });
    }
    Ok(lists)
}
