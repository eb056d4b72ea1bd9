//! The process environment, read once and passed on as a value.

use std::collections::BTreeMap;

/// Variables by name. Those that are not UTF-8 are left out.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// Prefix of variables that override the process file.
const PREFIX: &str = "CUTOVER__";

// === impl Environment ===

impl Environment {
    /// That of this process. The only place that reads it.
    pub fn of_process() -> Environment {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Environment { variables: std::env::vars_os().filter_map(text).collect() }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Overrides of the process file, `CUTOVER__STORE__URL` style: the variable's name, the path
    /// of keys in lower case, and the value.
    pub(crate) fn overrides(&self) -> impl Iterator<Item = (&str, Vec<String>, &str)> {
        self.variables.iter().filter_map(|(name, value)| {
            let path = name.strip_prefix(PREFIX)?;
            let path = path.split("__").map(str::to_ascii_lowercase).collect();
            Some((name.as_str(), path, value.as_str()))
        })
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Environment {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Environment { variables: variables.collect() }
    }
}
