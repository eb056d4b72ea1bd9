//! The query of a request: names that may repeat.

use super::failure::Failure;
use crate::codes::Code;

/// Decoded pairs, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

// === impl Query ===

impl Query {
    /// Takes `raw` apart; names that are not `known` are refused, so that a typing error is told.
    pub(super) fn parse(raw: Option<&str>, known: &[&str]) -> Result<Query, Failure> {
        let pairs = raw.unwrap_or_default();
        let pairs: Vec<(String, String)> = axum::extract::Query::try_from_uri(
            &format!("/?{pairs}").parse().map_err(|_| bad("the query is no query"))?,
        )
        .map(|axum::extract::Query(pairs)| pairs)
        .map_err(|error| bad(error.to_string()))?;
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(bad(format!("there is no parameter `{name}`")).at("query")),
            None => Ok(Query(pairs)),
        }
    }

    /// The value of `name`; the first, if it repeats.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of `name`, in order.
    pub(super) fn all<'q>(&'q self, name: &str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The number `name`, at most `max`.
    pub(super) fn number(&self, name: &str, max: u64) -> Result<Option<u64>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if number <= max => Ok(Some(number)),
            _ => Err(bad(format!("`{name}` is a whole number from 0 to {max}"))
                .at(format!("query parameter `{name}`"))),
        }
    }
}

fn bad(message: impl Into<String>) -> Failure {
    Failure::new(Code::BadRequest, message)
}
