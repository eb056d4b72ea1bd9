//! `cutover slo`

pub(in crate::cli) mod import;
pub(in crate::cli) mod rules;

use std::{fs, path::Path};

use crate::cli::exit::Failure;

/// Writes a whole file; directories on the way are made.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).and_then(|()| fs::write(path, text)).map_err(|error| {
        let message = format!("`{}` cannot be written: {error}", path.display());
        Failure::new("output", message).hint("name a directory that you may write to")
    })
}
