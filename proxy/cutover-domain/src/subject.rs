//! Whom a decision sticks to, and where that is read.

use std::{borrow::Cow, fmt, str::FromStr};

/// Where a request's subject is read. Groups list several; the first that yields a value wins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SubjectSource {
    /// `cert:cn`: common name of the verified client certificate.
    CertCommonName,
    /// `cert:san`: first subject alternative name of the verified client certificate.
    CertSan,
    /// `mqtt:client_id`: client identifier of the MQTT connection.
    MqttClientId,
    /// `mqtt:username`: user name of the MQTT connection.
    MqttUsername,
    /// `jwt:CLAIM`: a claim of the bearer token.
    Jwt(String),
    /// `cookie:NAME`: value of a cookie.
    Cookie(String),
    /// `header:NAME`: value of a header, name in lower case.
    Header(String),
    /// `path:NAME`: a parameter of the route's path template.
    Path(String),
    /// `addr`: the client's address, without port.
    Addr,
}

/// The text names no subject source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no subject source: use cert:cn, cert:san, mqtt:client_id, mqtt:username, jwt:CLAIM, \
     cookie:NAME, header:NAME, path:NAME or addr"
)]
pub struct UnknownSource(pub String);

/// What a request offers to be recognised by. Implemented by the data plane over the request at
/// hand, and by `explain` over what a person typed.
pub trait Subjects {
    /// The value of `source`, `None` if the request has none or it is empty.
    fn subject(&self, source: &SubjectSource) -> Option<Cow<'_, str>>;
}

// === impl SubjectSource ===

impl fmt::Display for SubjectSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubjectSource::CertCommonName => f.write_str("cert:cn"),
            SubjectSource::CertSan => f.write_str("cert:san"),
            SubjectSource::MqttClientId => f.write_str("mqtt:client_id"),
            SubjectSource::MqttUsername => f.write_str("mqtt:username"),
            SubjectSource::Jwt(claim) => write!(f, "jwt:{claim}"),
            SubjectSource::Cookie(name) => write!(f, "cookie:{name}"),
            SubjectSource::Header(name) => write!(f, "header:{name}"),
            SubjectSource::Path(name) => write!(f, "path:{name}"),
            SubjectSource::Addr => f.write_str("addr"),
        }
    }
}

impl FromStr for SubjectSource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<SubjectSource, UnknownSource> {
        let unknown = || UnknownSource(text.to_owned());
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        match (kind, name) {
            ("addr", "") if text == "addr" => Ok(SubjectSource::Addr),
            ("cert", "cn") => Ok(SubjectSource::CertCommonName),
            ("cert", "san") => Ok(SubjectSource::CertSan),
            ("mqtt", "client_id") => Ok(SubjectSource::MqttClientId),
            ("mqtt", "username") => Ok(SubjectSource::MqttUsername),
            (_, "") => Err(unknown()),
            ("jwt", claim) => Ok(SubjectSource::Jwt(claim.to_owned())),
            ("cookie", name) => Ok(SubjectSource::Cookie(name.to_owned())),
            ("header", name) => http::HeaderName::try_from(name)
                .map(|name| SubjectSource::Header(name.as_str().to_owned()))
                .map_err(|_| unknown()),
            ("path", name) => Ok(SubjectSource::Path(name.to_owned())),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests;
