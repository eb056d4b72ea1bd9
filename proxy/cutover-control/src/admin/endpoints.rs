//! The table of everything that can be asked: router and `openapi.json` come from it.

use std::sync::Arc;

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    Admin, alerts,
    auth::Access,
    config, diffs,
    dispatch::{Call, Handling},
    explain, gates, journeys, moves, parity, plan, probes, readiness, rehearsal, samples, status,
    tokens, traces,
};
use crate::{api, codes::Code, token::Role};

/// One thing that can be asked.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// `{name}` for the one parameter that a path may have.
    pub(super) path: &'static str,
    /// Its name in the document.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) access: Access,
    pub(super) query: &'static [Param],
    pub(super) body: Option<BodySpec>,
    pub(super) answer: AnswerSpec,
    /// What can go wrong, beside what can go wrong anywhere.
    pub(super) codes: &'static [Code],
    pub(super) handler: fn(Arc<Admin>, Call) -> Handling,
}

/// A query parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) required: bool,
    pub(super) repeats: bool,
    pub(super) is_number: bool,
}

#[derive(Clone, Copy)]
pub(super) struct BodySpec {
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(super) bytes_max: usize,
}

#[derive(Clone, Copy)]
pub(super) enum AnswerSpec {
    /// JSON with `api_version`; every status that carries it.
    Json(fn(&mut SchemaGenerator) -> Schema, &'static [u16]),
    /// A document of this type.
    Other(&'static str),
}

/// Most bytes of an ordinary body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of a delivery of alerts.
const ALERTS_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of a body that holds configuration files.
const FILES_BYTES_MAX: usize = 4 * 1024 * 1024;

const WAIT: Param = Param::number(
    "wait",
    "milliseconds, at most 60,000: answer when the data plane has it in force; 202 if it takes longer",
);

const HISTORY: &[Param] = &[
    Param::text("route", "only those that changed this route"),
    Param::number("limit", "at most so many, 1 to 1,000; default 50"),
    Param::number("before", "only older ones than this revision"),
];

const SLO: &[Param] = &[Param::text("route", "only those of this route")];

const AUDIT: &[Param] = &[
    Param::text("route", "only those about this route"),
    Param::number("limit", "at most so many, 1 to 1,000; default 50"),
    Param::number("before", "only those with a smaller number"),
];

const EXPLAIN: &[Param] = &[
    Param::text("method", "default GET"),
    Param { required: true, ..Param::text("path", "raw, without query") },
    Param::text("host", "default none"),
    Param::repeated("header", "`name=value`"),
    Param::repeated(
        "subject",
        "`source=value`, as `header:x-device-id=dev-7`; a value alone stands for the first of \
         the group's sources",
    ),
];

const PARITY: &[Param] =
    &[Param::text("target", "the lower bound that is wanted, between 0 and 1; default 0.995")];

const DIFFS: &[Param] = &[
    Param::text("path", "only clusters of this path"),
    Param::number("limit", "at most so many clusters, up to 200; default 50"),
];

const SAMPLES: &[Param] = &[
    Param::text("path", "only samples of clusters of this path"),
    Param::text("id", "only the sample of this id"),
    Param::number("limit", "at most so many, up to 4,000; default 100"),
];

const TRACES: &[Param] = &[
    Param::text("route", "only those of this route"),
    Param::number("limit", "at most so many, up to 1,000; default 50"),
];

const MOVE_CODES: &[Code] = &[
    Code::StaleRevision,
    Code::UnknownRoute,
    Code::UnknownGroup,
    Code::BadReason,
    Code::BadPercent,
    Code::StoreUnreachable,
];

const RELEASE_CODES: &[Code] = &[
    Code::StaleRevision,
    Code::UnknownRoute,
    Code::UnknownGroup,
    Code::BadReason,
    Code::CoolingDown,
    Code::NeedsSecond,
    Code::StoreUnreachable,
];

const REHEARSE_CODES: &[Code] = &[
    Code::StaleRevision,
    Code::UnknownRoute,
    Code::Rehearsing,
    Code::GateClosed,
    Code::NoNew,
    Code::WritesStay,
    Code::NoSubject,
    Code::BadPercent,
    Code::LegacyAll,
    Code::StoreUnreachable,
    Code::BadReason,
];

const PROMOTE_CODES: &[Code] = &[
    Code::GateClosed,
    Code::StaleRevision,
    Code::UnknownRoute,
    Code::UnknownGroup,
    Code::Held,
    Code::SkipsPhase,
    Code::Retired,
    Code::NeedsApprover,
    Code::NoNew,
    Code::NoWriteClass,
    Code::WritesStay,
    Code::NoSubject,
    Code::BadPercent,
    Code::NotForward,
    Code::LadderEnds,
    Code::LegacyAll,
    Code::StoreUnreachable,
    Code::BadReason,
];

const ROLLBACK_CODES: &[Code] = &[
    Code::StaleRevision,
    Code::UnknownRoute,
    Code::UnknownGroup,
    Code::Retired,
    Code::BadPercent,
    Code::NotBackward,
    Code::BadReason,
];

/// Everything, in order of paths as a reader would look for them.
pub(super) fn endpoints() -> Vec<Endpoint> {
    use Role::{Admin as A, Migrator as M, Operator as O, Viewer as V};
    const API: &str = "application/json";
    vec![
        get("/api/v1/status", "status", "Every route and the control plane itself", V)
            .answers::<api::StatusAnswer>(status::status),
        get("/api/v1/routes/{id}", "route", "One route", V)
            .fails(&[Code::UnknownRoute])
            .answers::<api::RouteAnswer>(status::route),
        get("/api/v1/routes/{id}/parity", "parity", "How a route's candidate answers", V)
            .asks(PARITY)
            .fails(&[Code::UnknownRoute])
            .answers::<api::ParityAnswer>(parity::parity),
        get("/api/v1/routes/{id}/diffs", "diffs", "How new's answers differ from legacy's", V)
            .asks(DIFFS)
            .fails(&[Code::UnknownRoute])
            .answers::<api::DiffsAnswer>(diffs::diffs),
        get("/api/v1/routes/{id}/samples", "samples", "Mismatches that are kept, redacted", V)
            .asks(SAMPLES)
            .fails(&[Code::UnknownRoute, Code::UnknownSample])
            .answers::<api::SamplesAnswer>(samples::samples),
        post("/api/v1/routes/{id}/rejudge", "rejudge", "Kept mismatches by the rules of files", V)
            .takes::<api::RejudgeBody>(FILES_BYTES_MAX)
            .fails(&[Code::UnknownRoute, Code::InvalidConfig, Code::NotCompared])
            .answers::<api::RejudgeAnswer>(samples::rejudge),
        // Not for viewers: whoever may ask again and again whether an answer is the same as one
        // that is redacted can guess what it says.
        post("/api/v1/routes/{id}/replay", "replay", "Judge an answer to a kept request", O)
            .takes::<api::ReplayBody>(FILES_BYTES_MAX)
            .fails(&[
                Code::UnknownRoute,
                Code::UnknownSample,
                Code::SampleUnusable,
                Code::NotCompared,
            ])
            .answers::<api::ReplayAnswer>(samples::replay),
        get("/api/v1/journeys", "journeys", "Whether promises across requests are kept", V)
            .answers::<api::JourneysAnswer>(journeys::journeys),
        get("/api/v1/routes/{id}/gate", "gate", "What the gates of a route say", V)
            .fails(&[Code::UnknownRoute])
            .answers::<api::GateAnswer>(gates::gate),
        get("/api/v1/routes/{id}/ready", "ready", "How ready a route is", V)
            .fails(&[Code::UnknownRoute])
            .answers::<api::ReadinessAnswer>(readiness::ready),
        post("/api/v1/routes/{id}/rehearse", "rehearse", "A small cohort there and back, timed", M)
            .takes::<api::RehearseBody>(BODY_BYTES_MAX)
            .fails(REHEARSE_CODES)
            .answers::<api::RehearsalAnswer>(rehearsal::rehearse),
        get("/api/v1/slo", "slo", "How fast the budgets of objectives burn", V)
            .asks(SLO)
            .fails(&[Code::UnknownRoute])
            .answers::<api::SloAnswer>(gates::slo),
        get("/api/v1/audit", "audit", "Decisions of gates and about them, newest first", V)
            .asks(AUDIT)
            .fails(&[Code::StoreUnreachable])
            .answers::<api::AuditAnswer>(gates::audit),
        get("/api/v1/audit/verify", "verifyAudit", "Whether the chain of decisions holds", V)
            .fails(&[Code::StoreUnreachable])
            .answers::<api::VerifyAnswer>(gates::verify),
        get("/api/v1/history", "history", "Revisions, newest first", V)
            .asks(HISTORY)
            .fails(&[Code::StoreUnreachable])
            .answers::<api::HistoryAnswer>(status::history),
        get("/api/v1/explain", "explain", "Which side a request would meet, and why", V)
            .asks(EXPLAIN)
            .answers::<api::ExplainAnswer>(explain::explain),
        post("/api/v1/routes/{id}/promote", "promote", "Move a route (or `group:ID`) forward", M)
            .asks(&[WAIT])
            .takes::<api::PromoteBody>(BODY_BYTES_MAX)
            .fails(PROMOTE_CODES)
            .moves(moves::promote),
        post("/api/v1/routes/{id}/rollback", "rollback", "Move a route (or `group:ID`) back", O)
            .asks(&[WAIT])
            .takes::<api::RollbackBody>(BODY_BYTES_MAX)
            .fails(ROLLBACK_CODES)
            .moves(moves::rollback),
        post("/api/v1/routes/{id}/hold", "hold", "Latch a route (or `group:ID`) where it is", O)
            .asks(&[WAIT])
            .takes::<api::LatchBody>(BODY_BYTES_MAX)
            .fails(MOVE_CODES)
            .moves(moves::hold),
        post("/api/v1/routes/{id}/release", "release", "Take the latch off", M)
            .asks(&[WAIT])
            .takes::<api::LatchBody>(BODY_BYTES_MAX)
            .fails(RELEASE_CODES)
            .moves(moves::release),
        post("/api/v1/rollback", "rollbackAll", "Move every route back to its safe phase", O)
            .asks(&[WAIT])
            .takes::<api::RollbackBody>(BODY_BYTES_MAX)
            .fails(&[Code::StaleRevision, Code::BadReason, Code::BadPercent])
            .moves(moves::rollback_all),
        post("/api/v1/plan", "plan", "What files would change", V)
            .takes::<api::PlanBody>(FILES_BYTES_MAX)
            .fails(&[Code::InvalidConfig])
            .answers::<api::PlanAnswer>(plan::plan),
        post("/api/v1/apply", "apply", "Put files in force, and on disk", M)
            .asks(&[WAIT])
            .takes::<api::ApplyBody>(FILES_BYTES_MAX)
            .fails(&[
                Code::StaleRevision,
                Code::InvalidConfig,
                Code::BadReason,
                Code::FilesNotWritten,
                Code::StoreUnreachable,
            ])
            .moves(config::apply),
        get("/api/v1/files", "files", "The files in force", V)
            .answers::<api::FilesAnswer>(config::files),
        post("/api/v1/reload", "reload", "Read the files on disk again", O)
            .asks(&[WAIT])
            .takes::<api::ReloadBody>(BODY_BYTES_MAX)
            .fails(&[Code::InvalidConfig, Code::BadReason])
            .moves(config::reload),
        post("/api/v1/alerts", "alerts", "Alertmanager's webhook: pages roll routes back", O)
            .takes::<api::AlertsBody>(ALERTS_BYTES_MAX)
            .fails(&[Code::BadReason, Code::Retired])
            .answers::<api::AlertsAnswer>(alerts::receive),
        get("/api/v1/alerts", "receivedAlerts", "Alerts that were delivered lately", V)
            .answers::<api::ReceivedAnswer>(alerts::list),
        get("/api/v1/traces", "traces", "The newest traces that were kept", V)
            .asks(TRACES)
            .answers::<api::TracesAnswer>(traces::list),
        get("/api/v1/traces/{id}", "trace", "One trace, whole", V)
            .fails(&[Code::UnknownTrace])
            .answers::<api::TraceAnswer>(traces::one),
        get("/api/v1/whoami", "whoami", "Whose token this is", V)
            .answers::<api::WhoamiAnswer>(tokens::whoami),
        get("/api/v1/tokens", "tokens", "Every token, without its text", A)
            .answers::<api::TokensAnswer>(tokens::list),
        post("/api/v1/tokens", "createToken", "Make a token; its text is shown this once", A)
            .takes::<api::TokenBody>(BODY_BYTES_MAX)
            .fails(&[Code::TokenExists, Code::BadToken, Code::StoreUnreachable])
            .created::<api::TokenAnswer>(tokens::create),
        delete(
            "/api/v1/tokens/{name}",
            "removeToken",
            "Remove a token; it stops working at once",
            A,
        )
        .fails(&[Code::UnknownToken, Code::LastAdmin])
        .answers::<api::RemovedAnswer>(tokens::remove),
        get("/api/v1/openapi.json", "openapi", "This document", V).other(API, probes::openapi),
        get("/metrics", "metrics", "Metrics, as OpenMetrics or Prometheus text", V)
            .open(Access::Metrics)
            .other("text/plain", probes::metrics),
        get("/livez", "livez", "The process is alive", V)
            .open(Access::Probe)
            .answers::<api::LiveAnswer>(probes::livez),
        get("/readyz", "readyz", "Requests may be sent here", V)
            .open(Access::Probe)
            .answers_with::<api::ReadyAnswer>(&[200, 503], probes::readyz),
    ]
}

fn get(path: &'static str, id: &'static str, summary: &'static str, role: Role) -> Endpoint {
    Endpoint {
        method: Method::GET,
        path,
        id,
        summary,
        access: Access::Role(role),
        query: &[],
        body: None,
        answer: AnswerSpec::Other("application/json"),
        codes: &[],
        handler: probes::livez,
    }
}

fn post(path: &'static str, id: &'static str, summary: &'static str, role: Role) -> Endpoint {
    Endpoint { method: Method::POST, ..get(path, id, summary, role) }
}

fn delete(path: &'static str, id: &'static str, summary: &'static str, role: Role) -> Endpoint {
    Endpoint { method: Method::DELETE, ..get(path, id, summary, role) }
}

type Handler = fn(Arc<Admin>, Call) -> Handling;

// === impl Endpoint ===

impl Endpoint {
    fn asks(self, query: &'static [Param]) -> Endpoint {
        Endpoint { query, ..self }
    }

    fn takes<T: JsonSchema>(self, bytes_max: usize) -> Endpoint {
        Endpoint { body: Some(BodySpec { schema: schema_of::<T>, bytes_max }), ..self }
    }

    fn fails(self, codes: &'static [Code]) -> Endpoint {
        Endpoint { codes, ..self }
    }

    fn open(self, access: Access) -> Endpoint {
        Endpoint { access, ..self }
    }

    fn answers<T: JsonSchema>(self, handler: Handler) -> Endpoint {
        self.answers_with::<T>(&[200], handler)
    }

    fn created<T: JsonSchema>(self, handler: Handler) -> Endpoint {
        self.answers_with::<T>(&[201], handler)
    }

    /// 202: recorded, but not yet in force.
    fn moves(self, handler: Handler) -> Endpoint {
        self.answers_with::<api::MoveAnswer>(&[200, 202], handler)
    }

    fn answers_with<T: JsonSchema>(self, statuses: &'static [u16], handler: Handler) -> Endpoint {
        let answer = AnswerSpec::Json(schema_of::<api::Versioned<T>>, statuses);
        Endpoint { answer, handler, ..self }
    }

    fn other(self, content_type: &'static str, handler: Handler) -> Endpoint {
        Endpoint { answer: AnswerSpec::Other(content_type), handler, ..self }
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

// === impl Param ===

impl Param {
    const fn text(name: &'static str, about: &'static str) -> Param {
        Param { name, about, required: false, repeats: false, is_number: false }
    }

    const fn number(name: &'static str, about: &'static str) -> Param {
        Param { is_number: true, ..Param::text(name, about) }
    }

    const fn repeated(name: &'static str, about: &'static str) -> Param {
        Param { repeats: true, ..Param::text(name, about) }
    }
}
