//! The written form of a fault.

use serde::{Deserialize, Serialize};

use super::{Fault, FaultKind};

/// `{"path_prefix":…,"methods":[…],"kind":…,"ms":…,"status":…,"after_bytes":…,"field":…,"share":1.0}`;
/// only `kind` must be there, and what belongs to the kind.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default)]
    path_prefix: String,
    #[serde(default)]
    methods: Vec<String>,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(default = "everyone")]
    share: f64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Latency,
    Status,
    Cutoff,
    WrongField,
    Hang,
}

fn everyone() -> f64 {
    1.0
}

impl TryFrom<Written> for Fault {
    type Error = String;

    fn try_from(written: Written) -> Result<Fault, String> {
        let Written { path_prefix, methods, kind, ms, status, after_bytes, field, share } = written;
        let given = [ms.is_some(), status.is_some(), after_bytes.is_some(), field.is_some()];
        let (kind, belongs) = match kind {
            Kind::Latency => (FaultKind::Latency { ms: ms.ok_or("`latency` needs `ms`")? }, 0),
            Kind::Status => {
                (FaultKind::Status { status: status.ok_or("`status` needs `status`")? }, 1)
            }
            Kind::Cutoff => {
                let after_bytes = after_bytes.ok_or("`cutoff` needs `after_bytes`")?;
                (FaultKind::Cutoff { after_bytes }, 2)
            }
            Kind::WrongField => {
                (FaultKind::WrongField { field: field.unwrap_or_else(|| "name".to_owned()) }, 3)
            }
            Kind::Hang => (FaultKind::Hang, given.len()),
        };
        let names = ["ms", "status", "after_bytes", "field"];
        match (0..given.len()).find(|&at| given[at] && at != belongs) {
            Some(stray) => Err(format!("`{}` does not belong to this kind", names[stray])),
            None => Ok(Fault { path_prefix, methods, kind, share }),
        }
    }
}

impl From<Fault> for Written {
    fn from(fault: Fault) -> Written {
        let Fault { path_prefix, methods, kind, share } = fault;
        let (ms, status, after_bytes, field) = (None, None, None, None);
        let plain = Written {
            path_prefix,
            methods,
            kind: Kind::Hang,
            ms,
            status,
            after_bytes,
            field,
            share,
        };
        match kind {
            FaultKind::Latency { ms } => Written { kind: Kind::Latency, ms: Some(ms), ..plain },
            FaultKind::Status { status } => {
                Written { kind: Kind::Status, status: Some(status), ..plain }
            }
            FaultKind::Cutoff { after_bytes } => {
                Written { kind: Kind::Cutoff, after_bytes: Some(after_bytes), ..plain }
            }
            FaultKind::WrongField { field } => {
                Written { kind: Kind::WrongField, field: Some(field), ..plain }
            }
            FaultKind::Hang => plain,
        }
    }
}
