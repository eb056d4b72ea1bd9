//! The file that declares a route, with and without a further rule.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cli::{
        exit::Failure,
        io::Io,
        local::{invalid, tell},
    },
    config::{self, Depth, Loaded, add_rule, directory, document::Rule, process_file, shown},
};

/// The file of a route, in a configuration that is valid.
pub(super) struct File {
    process: PathBuf,
    loaded: Loaded,
    /// Position among the sources.
    at: usize,
}

/// A file with one rule more, not written yet.
pub(super) struct Change {
    file: PathBuf,
    /// Below the directory of the process file.
    path: String,
    old: String,
    new: String,
}

// === impl File ===

impl File {
    /// Finds it in the configuration at `config`; `None`: there is no configuration, or it does not
    /// declare the route.
    pub(super) fn of_route(
        config: &Path,
        route: &str,
        io: &mut Io<'_>,
    ) -> Result<Option<File>, Failure> {
        let process = process_file(config);
        if !process.exists() {
            return Ok(None);
        }
        let loaded = config::load(&process, &io.environment, Depth::WithoutFiles);
        if loaded.config.is_none() {
            tell(&loaded, io);
            return Err(invalid(&loaded.report));
        }
        let declares = |text: &str| add_rule(text, route, &Rule::default()).is_some();
        let at = loaded.sources.iter().position(|source| declares(&source.text));
        Ok(at.map(|at| File { process, loaded, at }))
    }

    /// Adds the rule, and checks the whole configuration with it.
    pub(super) fn with(
        &self,
        route: &str,
        rule: &Rule,
        io: &mut Io<'_>,
    ) -> Result<Change, Failure> {
        let source = self.loaded.sources.get(self.at).expect("it was found there");
        let new = add_rule(&source.text, route, rule).expect("the route was found there");
        let text_of = |other: &config::Source| match other.path == source.path {
            true => (other.path.clone(), new.clone()),
            false => (other.path.clone(), other.text.clone()),
        };
        let sources = self.loaded.sources.iter().filter(|source| source.path != "environment");
        let texts: Vec<(String, String)> = sources.map(text_of).collect();
        let checked =
            config::load_texts(&self.process, &texts, &io.environment, Depth::WithoutFiles);
        if checked.report.warnings() > self.loaded.report.warnings() || checked.config.is_none() {
            tell(&checked, io);
        }
        if checked.config.is_none() {
            let message = format!("{} would not be valid with the rule", shown(&self.process));
            let mut failure = invalid(&checked.report);
            failure.message = format!("{message}: nothing is written");
            return Err(failure);
        }
        let file = directory(&self.process).join(&source.path);
        Ok(Change { file, path: source.path.clone(), old: source.text.clone(), new })
    }
}

// === impl Change ===

impl Change {
    /// The file as people name it.
    pub(super) fn shown(&self) -> String {
        shown(&self.file)
    }

    /// The file as the proxy names it.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The text with the rule.
    pub(super) fn new_text(&self) -> &str {
        &self.new
    }

    /// The first line that is new, from 1.
    pub(super) fn line(&self) -> usize {
        self.lines().0
    }

    /// File, line, and the lines that go and come.
    pub(super) fn text(&self) -> String {
        let (line, gone, come) = self.lines();
        let mut text = format!("{}:{line}", self.shown());
        for (mark, lines) in [('-', gone), ('+', come)] {
            let shown = |line: &&str| format!("\n{}", format!("{mark} {line}").trim_end());
            text.extend(lines.iter().map(shown));
        }
        text
    }

    /// Puts it in place, whole or not at all, unless somebody changed the file meanwhile.
    pub(super) fn write(&self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            let message = format!("`{}` cannot be written: {error}", self.shown());
            Failure::new("output", message).hint("only print the lines with `--print`")
        };
        // Behind a link stands the file that others know.
        let file = fs::canonicalize(&self.file).map_err(failed)?;
        if fs::read_to_string(&file).map_err(failed)? != self.old {
            let message = format!("`{}` was changed meanwhile: nothing is written", self.shown());
            return Err(Failure::new("file_changed", message).hint("run the command again"));
        }
        let mut new = file.clone().into_os_string();
        new.push(".new");
        fs::write(&new, &self.new).map_err(failed)?;
        let mode = fs::metadata(&file).map_err(failed)?.permissions();
        fs::set_permissions(&new, mode).map_err(failed)?;
        fs::rename(&new, &file).map_err(failed)
    }

    /// The first line that differs, the old lines from there and the new ones.
    fn lines(&self) -> (usize, Vec<&str>, Vec<&str>) {
        let (old, new): (Vec<&str>, Vec<&str>) =
            (self.old.lines().collect(), self.new.lines().collect());
        let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let (old, new) = (&old[same..], &new[same..]);
        let pairs = old.iter().rev().zip(new.iter().rev());
        let behind = pairs.take_while(|(old, new)| old == new).count();
        let (gone, mut come) = (&old[..old.len() - behind], &new[..new.len() - behind]);
        let mut first = same + 1;
        // Blank lines around it are nothing to point at.
        while let ([], ["", rest @ ..]) = (gone, come) {
            (first, come) = (first + 1, rest);
        }
        while let ([], [rest @ .., ""]) = (gone, come) {
            come = rest;
        }
        (first, gone.to_vec(), come.to_vec())
    }
}
