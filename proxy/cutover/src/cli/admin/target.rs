//! Whom to ask: flag, then environment, then the configuration at hand, then the default.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use http::HeaderValue;
use tokio::runtime::Runtime;

use crate::{
    cli::{
        args::Global,
        exit::{Exit, Failure},
        io::Io,
    },
    config::{self, AdminConfig},
};

/// Where an admin API listens when nothing says otherwise.
const DEFAULT: &str = "http://127.0.0.1:9900";

/// An admin API and the token to show it.
pub(super) struct Target {
    /// As shown to people.
    pub(super) url: String,
    /// For `Host`.
    pub(super) authority: String,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_tls: bool,
    pub(super) ca: Option<PathBuf>,
    /// `Bearer …`; `None`: there is none.
    pub(super) token: Option<HeaderValue>,
}

/// An event loop for one command.
pub(in crate::cli) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("internal", format!("no event loop: {error}")))
}

// === impl Target ===

impl Target {
    pub(super) fn find(global: &Global, io: &mut Io<'_>) -> Result<Target, Failure> {
        let here = config::admin(Path::new("cutover.toml"), &io.environment);
        let given =
            global.admin.clone().or_else(|| io.environment.get("CUTOVER_ADMIN").map(str::to_owned));
        let url = given.or_else(|| here.as_ref().map(url_of)).unwrap_or_else(|| DEFAULT.to_owned());
        let token = token(global, here.as_ref(), io)?;
        let ca = global.ca.clone().or_else(|| io.environment.get("CUTOVER_CA").map(PathBuf::from));
        Target::parse(&url, ca, token)
    }

    pub(super) fn parse(
        url: &str,
        ca: Option<PathBuf>,
        token: Option<HeaderValue>,
    ) -> Result<Target, Failure> {
        let wrong = || {
            Failure::usage(format!("`{url}` is no address of an admin API"))
                .hint("write it like `http://127.0.0.1:9900`")
        };
        let uri: http::Uri = url.parse().map_err(|_| wrong())?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") {
            return Err(wrong());
        }
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Target {
            url: url.trim_end_matches('/').to_owned(),
            authority: authority.to_string(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port,
            is_tls,
            ca,
            token,
        })
    }
}

/// Where this admin API is reached from its own machine.
pub(in crate::cli) fn url_of(admin: &AdminConfig) -> String {
    let scheme = if admin.tls.is_some() { "https" } else { "http" };
    let mut listen = admin.listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.is_ipv6() {
            true => std::net::Ipv6Addr::LOCALHOST.into(),
            false => std::net::Ipv4Addr::LOCALHOST.into(),
        });
    }
    format!("{scheme}://{listen}")
}

/// The token: never a flag's value, which others could read in the list of processes.
fn token(
    global: &Global,
    here: Option<&AdminConfig>,
    io: &mut Io<'_>,
) -> Result<Option<HeaderValue>, Failure> {
    let named = io.environment.get("CUTOVER_TOKEN_FILE").map(PathBuf::from);
    if let Some(path) = global.token_file.clone().or(named) {
        return read(&path, io).map(Some);
    }
    if let Some(text) = io.environment.get("CUTOVER_TOKEN") {
        return bearer(text).map(Some);
    }
    match here.map(|admin| &admin.token_file).filter(|path| path.exists()) {
        Some(path) => read(path, io).map(Some),
        None => Ok(None),
    }
}

fn read(path: &Path, io: &mut Io<'_>) -> Result<HeaderValue, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("the token file `{}` cannot be read: {error}", path.display());
        Failure::new("token_file", message)
            .exit(Exit::NotAllowed)
            .hint("run as the user that owns it, or name another with `--token-file`")
    })?;
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        io.tell(&format!("warning: others may read the token file `{path}`: `chmod 600 {path}`"));
    }
    bearer(&text)
}

fn bearer(text: &str) -> Result<HeaderValue, Failure> {
    let value = HeaderValue::from_str(&format!("Bearer {}", text.trim()));
    let mut value = value.map_err(|_| {
        Failure::new("bad_token", "the token has characters that no token has")
            .exit(Exit::NotAllowed)
            .hint("the file holds the token alone, on one line")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
