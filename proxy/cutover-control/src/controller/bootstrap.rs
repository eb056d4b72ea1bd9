//! The first admin token: made once, into a private file, never printed.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use cutover_store::Token;

use super::{Controller, StartError};
use crate::{
    machine::Ask,
    token::{Secret, hash},
    truth::TokenEdit,
};

/// Name of the first token.
const NAME: &str = "admin";

/// Makes sure that there is a token. If there is none yet, the file's is taken, where someone has
/// prepared one; else a random one is written to it.
pub(super) async fn first_token(controller: &Controller, path: &Path) -> Result<(), StartError> {
    if !controller.view().truth.tokens.is_empty() {
        return Ok(());
    }
    let failed = |why: String| StartError::TokenFile { path: path.to_owned(), why };
    let secret = secret(path).map_err(failed)?;
    let token = Token {
        name: NAME.into(),
        role: "admin".into(),
        sha256: hash(secret.reveal()),
        created_ms: controller.now_ms(),
        expires_ms: None,
    };
    let ask = Ask::PutToken { edit: TokenEdit::Put(token), bootstrap: true };
    controller.ask(ask).await.map_err(|refused| failed(refused.to_string()))?;
    tracing::info!(path = %path.display(), "the first admin token is in a file");
    Ok(())
}

fn secret(path: &Path) -> Result<Secret, String> {
    check_directory(path)?;
    let new = Secret::random().map_err(|error| error.to_string())?;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match file {
        Ok(file) => {
            let written = write(file, &new);
            written.map(|()| new).map_err(|error| {
                let _ = fs::remove_file(path);
                error.to_string()
            })
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => prepared(path),
        Err(error) => Err(error.to_string()),
    }
}

fn write(mut file: fs::File, secret: &Secret) -> io::Result<()> {
    writeln!(file, "{}", secret.reveal())?;
    file.sync_all()
}

fn prepared(path: &Path) -> Result<Secret, String> {
    let link = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    let file = fs::metadata(path).map_err(|error| error.to_string())?;
    // Orchestrators mount secrets as links within a directory of their own.
    let is_file = file.is_file() && (link.is_file() || link.is_symlink());
    if !is_file {
        return Err("it is no file".into());
    }
    if file.permissions().mode() & 0o077 != 0 {
        return Err(format!(
            "others may read it (mode {:o}); make it 0600",
            file.permissions().mode() & 0o777
        ));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let text = text.trim_end_matches(['\n', '\r']);
    Secret::from_text(text).ok_or_else(|| {
        "it holds no token: 32 to 256 visible ASCII characters on one line".to_owned()
    })
}

/// Whoever may rename files in the directory may replace the token.
fn check_directory(path: &Path) -> Result<(), String> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let metadata = fs::metadata(directory)
        .map_err(|error| format!("its directory `{}`: {error}", directory.display()))?;
    let mode = metadata.mode();
    let sticky = mode & 0o1000 != 0;
    if mode & 0o022 != 0 && !sticky {
        return Err(format!(
            "others may write its directory `{}` (mode {:o}); make it 0700",
            directory.display(),
            mode & 0o777
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
