//! Which subjects new serves: sticky, monotone, the same on every node.

use std::{collections::BTreeSet, fmt, str::FromStr};

use xxhash_rust::xxh3::Xxh3;

use crate::subject::SubjectSource;

/// Number of buckets that subjects are spread over: one per basis point.
pub const BUCKETS: u16 = 10_000;

/// Who belongs to new in phase `canary`, beside the percentage: part of a group.
///
/// Precedence: `deny`, then `allow`, then `attributes`, then the percentage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cohort {
    /// Spreads this group's subjects independently of other groups'. Never changes during a
    /// migration, or subjects would change sides.
    pub salt: String,
    /// Subjects that legacy always serves.
    pub deny: BTreeSet<String>,
    /// Subjects that new serves as soon as the route is in `canary`.
    pub allow: BTreeSet<String>,
    /// Subjects that new serves because of what they are (tenant, firmware, region).
    pub attributes: Vec<AttributeRule>,
}

/// Requests whose `source` has one of `values` belong to the cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeRule {
    /// Where the attribute is read.
    pub source: SubjectSource,
    /// The values that belong to the cohort; compared byte for byte.
    pub values: BTreeSet<String>,
}

/// A share in basis points, `0..=10_000` (0.00 % to 100.00 %).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

/// The number is no percentage that Cutover can keep exactly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no percentage: use 0 to 100 with at most two decimals")]
pub struct BadPercent(pub String);

/// The bucket of a subject, `0..10_000`.
///
/// `(xxh3_64(salt ‖ 0x00 ‖ id) as u128 * 10000) >> 64` over UTF-8 bytes with seed 0: a fixed,
/// published function, so that every node, release and language computes the same.
pub fn bucket(salt: &str, id: &str) -> u16 {
    let mut hasher = Xxh3::new();
    hasher.update(salt.as_bytes());
    hasher.update(&[0]);
    hasher.update(id.as_bytes());
    let scaled = (u128::from(hasher.digest()) * u128::from(BUCKETS)) >> 64;
    u16::try_from(scaled).expect("a 64-bit hash scaled to 10,000 buckets is below 10,000")
}

// === impl Cohort ===

impl Cohort {
    /// Whether the percentage alone puts `subject` into the cohort.
    pub fn holds(&self, subject: &str, percent: Percent) -> bool {
        bucket(&self.salt, subject) < percent.basis_points()
    }
}

// === impl Percent ===

impl Percent {
    /// 0 %.
    pub const ZERO: Percent = Percent(0);
    /// 100 %.
    pub const FULL: Percent = Percent(BUCKETS);

    /// From basis points; `None` above 10,000.
    pub const fn from_basis_points(basis_points: u16) -> Option<Percent> {
        if basis_points <= BUCKETS { Some(Percent(basis_points)) } else { None }
    }

    /// From a number as configuration gives it. Fails on NaN, outside `0..=100` and on more than
    /// two decimals.
    pub fn from_f64(percent: f64) -> Result<Percent, BadPercent> {
        percent.to_string().parse()
    }

    /// In basis points, `0..=10_000`.
    pub const fn basis_points(self) -> u16 {
        self.0
    }

    /// As a number in `0.0..=100.0`, for display and serialisation.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for Percent {
    /// Without needless zeros: `5`, `12.5`, `0.25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        match hundredths {
            0 => f.pad(&whole.to_string()),
            h if h % 10 == 0 => f.pad(&format!("{whole}.{}", h / 10)),
            h => f.pad(&format!("{whole}.{h:02}")),
        }
    }
}

impl FromStr for Percent {
    type Err = BadPercent;

    fn from_str(text: &str) -> Result<Percent, BadPercent> {
        let bad = || BadPercent(text.to_owned());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 2 {
            return Err(bad());
        }
        let whole: u16 = whole.parse().map_err(|_| bad())?;
        let decimals: u16 = format!("{decimals:0<2}").parse().map_err(|_| bad())?;
        whole
            .checked_mul(100)
            .and_then(|bp| Percent::from_basis_points(bp + decimals))
            .ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests;
