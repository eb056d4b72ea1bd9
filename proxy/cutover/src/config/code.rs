//! Stable names of everything that can be wrong, and what to know about each.

use std::fmt;

/// The explanations, one section a code; also read by people.
const EXPLANATIONS: &str = include_str!("codes.md");

macro_rules! codes {
    ($($variant:ident => $name:literal,)+) => {
        /// What kind of mistake it is. Each is explained in `codes.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "codes.md says what each means, and a test holds it to that")]
        pub enum Code {
            $($variant,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// Its stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Code::$variant => $name,)+
                }
            }
        }
    };
}

codes! {
    Syntax => "syntax",
    FileUnreadable => "file_unreadable",
    IncludeEmpty => "include_empty",
    IncludeSelf => "include_self",
    IncludeOutside => "include_outside",
    UnknownKey => "unknown_key",
    MissingKey => "missing_key",
    WrongType => "wrong_type",
    UnknownValue => "unknown_value",
    OutOfRange => "out_of_range",
    DuplicateId => "duplicate_id",
    BadName => "bad_name",
    BadTemplate => "bad_template",
    BadMethod => "bad_method",
    BadHost => "bad_host",
    BadHeader => "bad_header",
    BadPercent => "bad_percent",
    BadSource => "bad_source",
    BadUrl => "bad_url",
    BadAddress => "bad_address",
    BadNetwork => "bad_network",
    UnknownUpstream => "unknown_upstream",
    UnknownGroup => "unknown_group",
    WrongProtocol => "wrong_protocol",
    NotSupported => "not_supported",
    Overlap => "overlap",
    Unreachable => "unreachable",
    NoNew => "no_new",
    NoWriteClass => "no_write_class",
    WritesStay => "writes_stay",
    GroupSplit => "group_split",
    SameUpstream => "same_upstream",
    SafeWrites => "safe_writes",
    NoSubject => "no_subject",
    CohortClash => "cohort_clash",
    NoEffect => "no_effect",
    BadRule => "bad_rule",
    BadKeep => "bad_keep",
    SloObjective => "slo_objective",
    SloThresholds => "slo_thresholds",
    BadGates => "bad_gates",
    BadJourney => "bad_journey",
    SloFile => "slo_file",
    SloUnsupported => "slo_unsupported",
    SloConflict => "slo_conflict",
    SloUnreachable => "slo_unreachable",
    TlsFile => "tls_file",
    AdminExposed => "admin_exposed",
    AddressTwice => "address_twice",
    SecretByValue => "secret_by_value",
    SecretUnreadable => "secret_unreadable",
    WeakKey => "weak_key",
    JwtUnverified => "jwt_unverified",
    Unused => "unused",
    ListenerChanged => "listener_changed",
    NeedsRestart => "needs_restart",
}

/// The explanation of any code: ours and those of the admin API. `None` if there is no such code.
/// Hyphens and underscores are the same.
pub fn explain(code: &str) -> Option<&'static str> {
    let wanted = code.trim().to_ascii_lowercase().replace('-', "_");
    sections().find(|(name, _)| *name == wanted).map(|(_, text)| text)
}

/// Every code that has an explanation, in the order of the text.
pub fn explained() -> impl Iterator<Item = &'static str> {
    sections().map(|(name, _)| name)
}

fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    EXPLANATIONS.split("\n## ").skip(1).filter_map(|section| {
        let (name, text) = section.split_once('\n')?;
        Some((name.trim(), text.trim()))
    })
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests;
