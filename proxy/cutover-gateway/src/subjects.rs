//! What a request offers to be recognised by.

use std::{borrow::Cow, cell::OnceCell, net::IpAddr};

use cutover_domain::{
    Decision, PathTemplate, Phase, Reason, Route, SubjectSource, Subjects, decision,
    exchange::subject_hash,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Map, Value};

use crate::{jwt, settings::Settings, tls::PeerIdentity};

/// A request as a source of subjects. Reads nothing until it is asked.
pub(crate) struct RequestSubjects<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) path: &'a str,
    pub(crate) template: &'a PathTemplate,
    pub(crate) identity: Option<&'a PeerIdentity>,
    pub(crate) address: IpAddr,
    pub(crate) settings: &'a Settings,
    /// The bearer token's claims, once they were asked for.
    pub(crate) claims: OnceCell<Option<Map<String, Value>>>,
}

// === impl RequestSubjects ===

impl Subjects for RequestSubjects<'_> {
    fn subject(&self, source: &SubjectSource) -> Option<Cow<'_, str>> {
        let value = match source {
            SubjectSource::CertCommonName => Cow::Borrowed(self.identity?.common_name.as_deref()?),
            SubjectSource::CertSan => Cow::Borrowed(first_name(self.identity?)?),
            SubjectSource::MqttClientId | SubjectSource::MqttUsername => return None,
            SubjectSource::Jwt(claim) => self.claim(claim)?,
            SubjectSource::Cookie(name) => Cow::Borrowed(cookie(self.headers, name)?),
            SubjectSource::Header(name) => {
                let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                Cow::Borrowed(std::str::from_utf8(self.headers.get(name)?.as_bytes()).ok()?)
            }
            SubjectSource::Path(name) => self.template.param(self.path, name)?,
            SubjectSource::Addr => Cow::Owned(self.address.to_canonical().to_string()),
        };
        (!value.is_empty()).then_some(value)
    }
}

impl RequestSubjects<'_> {
    fn claim(&self, claim: &str) -> Option<Cow<'_, str>> {
        let claims = self.claims.get_or_init(|| {
            let token = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
            let (scheme, token) = token.split_once(' ')?;
            let token = scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())?;
            match &self.settings.jwt_key {
                Some(key) => key.verify(token),
                None if self.settings.jwt_trust_unverified => jwt::claims_unverified(token),
                None => None,
            }
        });
        match claims.as_ref()?.get(claim)? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }
}

/// The hash of whom the decision sticks to, where new serves users and somebody judges it by whom it
/// fails: nobody asks about a route without objectives and gates. A request without a subject stands for its client's address; a tester for nobody.
pub(crate) fn judged(
    route: &Route,
    decision: &Decision<'_>,
    request: &RequestSubjects<'_>,
) -> Option<u64> {
    let is_watched = route.spec.gates.is_some() || !route.spec.objectives.is_empty();
    let is_judged = is_watched && matches!(route.state.phase, Phase::Canary | Phase::Live);
    if !is_judged || decision.reason == Reason::Override {
        return None;
    }
    let subject = match (&decision.subject, route.state.phase) {
        (Some(subject), _) => Some(Cow::Borrowed(&**subject)),
        (None, Phase::Live) => decision::subject(&route.group, request),
        (None, _) => None,
    };
    Some(subject.map_or_else(|| address_hash(request.address), |subject| subject_hash(&subject)))
}

/// Spreads addresses over all bits, as [`subject_hash`] does.
fn address_hash(address: IpAddr) -> u64 {
    let bits = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    // Fibonacci hashing, with the good upper half folded into the lower.
    let spread = ((bits >> 64) as u64 ^ bits as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    spread ^ spread >> 32
}

/// The first subject alternative name: DNS names, then URIs, mail and IP addresses.
fn first_name(identity: &PeerIdentity) -> Option<&str> {
    let sans = &identity.sans;
    let mut names = sans.dns.iter().chain(&sans.uri).chain(&sans.email).chain(&sans.ip);
    names.next().map(String::as_str)
}

/// The value of a cookie (RFC 6265 §5.4), the first if there are several.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let text = |field: &'h HeaderValue| std::str::from_utf8(field.as_bytes()).ok();
    let fields = headers.get_all(header::COOKIE).iter().filter_map(text);
    let mut pairs = fields.flat_map(|field| field.split(';'));
    pairs.find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.trim_matches('"'))
    })
}

#[cfg(test)]
mod tests;
