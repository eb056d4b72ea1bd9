//! The key of redaction, in a file that outlives the process.

use std::{
    fs, io,
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use ring::rand::{SecureRandom, SystemRandom};

/// Why a file cannot be the key of redaction.
#[derive(Debug, thiserror::Error)]
pub enum RedactionKeyError {
    /// It cannot be read or made.
    #[error("the key of redaction `{}` cannot be read or made", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It does not hold 32 bytes.
    #[error(
        "`{}` is no key of redaction: it has {bytes} bytes, not 32; remove it, and another is made", path.display()
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        bytes: u64,
    },
    /// Others may read it.
    #[error(
        "the key of redaction `{}` can be read by others (mode {mode:03o}): `chmod 600` it, or remove it, and another is made", path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// The key in a file, which is made if there is none.
pub(super) fn key_of_file(path: &Path) -> Result<[u8; 32], RedactionKeyError> {
    let failed = |source| RedactionKeyError::File { path: path.to_owned(), source };
    match fs::File::open(path) {
        Ok(file) => read_key(path, &file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = make_key(path).map_err(failed)?;
            // Two processes may have tried: whichever file is there now holds for both.
            match key {
                Some(key) => Ok(key),
                None => read_key(path, &fs::File::open(path).map_err(failed)?),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

pub(super) fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).expect("the operating system gives random bytes");
    key
}

fn read_key(path: &Path, mut file: &fs::File) -> Result<[u8; 32], RedactionKeyError> {
    let path = || path.to_owned();
    let failed = |source| RedactionKeyError::File { path: path(), source };
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(RedactionKeyError::Open { path: path(), mode });
    }
    if metadata.len() != 32 {
        return Err(RedactionKeyError::Length { path: path(), bytes: metadata.len() });
    }
    let mut key = [0; 32];
    file.read_exact(&mut key).map_err(failed)?;
    Ok(key)
}

/// Makes the file whole or not at all; `None`: it is there already.
fn make_key(path: &Path) -> io::Result<Option<[u8; 32]>> {
    let key = random_key();
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}.new", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let written = || -> io::Result<()> {
        let options = &mut fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(&key)?;
        file.sync_all()?;
        // A link is refused where a file is, unlike a rename.
        fs::hard_link(&unfinished, path)
    };
    let written = written();
    let _ = fs::remove_file(&unfinished);
    match written {
        Ok(()) => Ok(Some(key)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.exists() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
