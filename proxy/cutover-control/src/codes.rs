//! Every error code, in one table: what it means and what to do. `explain --code` prints it, the
//! API answers with it, OpenAPI lists it.

use std::fmt;

/// What an error code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeDoc {
    /// The code, stable over releases.
    pub code: &'static str,
    /// HTTP status of the answer that carries it; `None`: it only occurs at start or in a row.
    pub status: Option<u16>,
    /// What it means.
    pub summary: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

macro_rules! codes {
    ($($name:ident $code:literal $status:tt $summary:literal $remedy:literal)*) => {
        /// Stable name of an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $summary] $name,)*
        }

        /// The table, in order of subject.
        pub const CODES: &[CodeDoc] = &[
            $(CodeDoc {
                code: $code, status: codes!(@status $status), summary: $summary, remedy: $remedy,
            },)*
        ];

        impl Code {
            /// Every code, in the order of [`CODES`].
            pub const ALL: &[Code] = &[$(Code::$name,)*];
        }
    };
    (@status -) => { None };
    (@status $status:literal) => { Some($status) };
}

codes! {
    // moves
    StaleRevision "stale_revision" 409
        "The route was moved since the revision that the request names."
        "Look at the present state in the answer, decide again, and send its revision."
    UnknownRoute "unknown_route" 404
        "No route of this id is declared."
        "`cutover status` lists the routes."
    UnknownGroup "unknown_group" 404
        "No route of this group is declared."
        "`cutover status` shows each route's group."
    Held "held" 409
        "A latch keeps the route from moving forward."
        "Read the cause, then `cutover release ROUTE --reason …` (role migrator)."
    SkipsPhase "skips_phase" 409
        "Routes move forward one phase at a time."
        "Move to the next phase, or skip with `--force` (role approver; it is recorded)."
    Retired "retired" 409
        "A retired route has no way back: legacy is no longer called."
        "Declare a new route if legacy must serve these requests again."
    NeedsApprover "needs_approver" 403
        "The step needs the role approver."
        "Ask someone with an approver's token."
    NoNew "no_new" 409
        "The route declares no `new` upstream, so it cannot leave `legacy`."
        "Add `new = \"…\"` to the route."
    NoWriteClass "no_write_class" 409
        "A route that writes needs a class before it leaves `legacy`."
        "Add `writes = \"…\"` to the route."
    WritesStay "writes_stay" 409
        "A route that writes may pass `shadow` only if both sides see its writes."
        "Stop at `shadow`, or declare `shared_store = true` for the group if there is one store."
    NoSubject "no_subject" 409
        "More than 5 % of the route's requests name no subject: in `canary` legacy serves them whatever the share."
        "`cutover explain` shows what a request yields; add the `subject` source that these have, or go on with `--force` (role approver)."
    BadPercent "bad_percent" 422
        "The percentage does not fit: 0.01 to 100, two decimals, in `canary` only."
        "Give `--percent N` with `canary`, and none with other phases."
    NotForward "not_forward" 409
        "`promote` only moves forward."
        "Use `cutover rollback ROUTE [--to PHASE]` to step back."
    NotBackward "not_backward" 409
        "`rollback` only moves back."
        "Use `cutover promote ROUTE` to move forward."
    LadderEnds "ladder_ends" 409
        "The route has the largest share that its own ladder (`gates.steps`) names, and that is below 100 %."
        "Name the step: `--percent N` or `--to live`; or add a step to the route's gates."
    GateClosed "gate_closed" 409
        "A gate of the route does not pass, so it may not go forward."
        "`cutover gate ROUTE --explain` tells what is needed; `--force` goes on without it (role approver; it is recorded)."
    CoolingDown "cooling_down" 409
        "Gates took the route back a short while ago: its latch stays on for the cool-down."
        "Wait until the moment that the message names, or bring a new build of the candidate."
    NeedsSecond "needs_second" 409
        "Gates took the route back twice within 24 hours, so two persons must agree to its release."
        "The release is noted; ask someone else for theirs: `cutover release ROUTE --reason …`."
    Rehearsing "rehearsing" 409
        "A rehearsal of the route cannot begin: it is not in `shadow` or `legacy`, held, or rehearsed already."
        "`cutover status ROUTE` shows where it is."
    LegacyAll "legacy_all" 409
        "The file `legacy-all` keeps every route in its safe phase."
        "Remove the file, then release the routes."
    StoreUnreachable "store_unreachable" 503
        "The store cannot be reached, so nothing may move forward."
        "Bring the store back; `/readyz` says what is wrong. Rolling back and holding work meanwhile."
    BadReason "bad_reason" 422
        "Every move asks for a reason of 1 to 500 characters, without control characters."
        "Give `--reason \"why\"`."
    NotYetApplied "not_yet_applied" 202
        "The revision is recorded, but the data plane has not reported it within the time asked for."
        "Look at `applied` in `GET /api/v1/status`."
    Stopping "stopping" 503
        "The proxy is stopping."
        "Ask again when it is back."
    // configuration
    InvalidConfig "invalid_config" 422
        "The files are not valid; the running state is untouched."
        "Correct what `diagnostics` lists; `cutover check` finds the same."
    FilesNotWritten "files_not_written" 500
        "The files were accepted and are in force, but could not be written to disk."
        "Make the directory writable and apply again, or they are lost at the next start."
    // comparisons
    UnknownSample "unknown_sample" 404
        "There is no sample of this id: it may have made room for others, or be older than 7 days."
        "`cutover diffs ROUTE -o wide` shows the ids."
    SampleUnusable "sample_unusable" 409
        "The sample was redacted with a key that is gone, or written by another release, so nothing can be compared with it."
        "Take newer samples; the file with the key must survive a restart."
    NotCompared "not_compared" 503
        "Nothing compares sides in this process."
        "Its log says why at the start."
    // tokens
    TokenExists "token_exists" 409
        "There is a token of this name already."
        "Choose another name, or remove the old token."
    UnknownToken "unknown_token" 404
        "There is no token of this name."
        "`cutover token list` shows the names."
    BadToken "bad_token" 422
        "A token needs a name of 1 to 64 characters of a-z, 0-9, `-`, `_`, `.`, and a life of 1 minute to 366 days."
        "Correct the request."
    LastAdmin "last_admin" 409
        "This is the last admin token that works; without it no one could make another."
        "Make another admin token first."
    // access
    Unauthenticated "unauthenticated" 401
        "The request carries no token."
        "Send `Authorization: Bearer …`; the first start wrote an admin token to a file."
    TokenUnknown "token_unknown" 401
        "The token is not known."
        "Use a token made by `cutover token create`; it may have been removed."
    TokenExpired "token_expired" 401
        "The token has expired."
        "Ask an admin for a new one: `cutover token create`."
    RoleTooLow "role_too_low" 403
        "The token's role may not do this."
        "Ask someone whose token has the role that the message names."
    TooManyFailures "too_many_failures" 429
        "Too many requests with wrong tokens from this address."
        "Wait as `Retry-After` says."
    HostRefused "host_refused" 403
        "The `Host` header does not name this listener, as when a web page rebinds DNS."
        "Use the listener's address, or list the name in `[admin] hosts`."
    OriginRefused "origin_refused" 403
        "The request comes from a web page of another origin."
        "Open the console at the admin listener's own address."
    // console
    FormExpired "form_expired" 403
        "The form was issued to another session: whoever sent it logged out since, or another page made it."
        "Open the page again and send its form."
    TooManyPages "too_many_pages" 503
        "More pages of the console are open than are kept fresh at once (64)."
        "Close some; pages work without it, their numbers do not follow by themselves."
    UnknownRunbook "unknown_runbook" 404
        "There is no runbook of this name."
        "`cutover runbook list` names those of this version; with `--dir` those of a directory."
    UnknownTrace "unknown_trace" 404
        "No trace of this id is kept in this process: it was not kept, or made room for newer ones."
        "`cutover trace list` shows those that are; a receiver (`telemetry.otlp`) has the others."
    // requests
    NotFound "not_found" 404
        "There is nothing at this path."
        "`GET /api/v1/openapi.json` lists what there is."
    MethodNotAllowed "method_not_allowed" 405
        "The path does not take this method."
        "See `Allow`, and `GET /api/v1/openapi.json`."
    BadRequest "bad_request" 400
        "The query or body is not what the operation takes."
        "`GET /api/v1/openapi.json` describes it."
    BodyTooLarge "body_too_large" 413
        "The body is larger than this operation takes."
        "Send less; `apply` takes up to 4 MiB of files."
    UnsupportedMediaType "unsupported_media_type" 415
        "The body is not JSON."
        "Send `Content-Type: application/json`."
    RequestTimeout "request_timeout" 408
        "The request did not arrive, or was not answered, in time."
        "Send it again; a move may have happened, so look at the status first."
    NotReady "not_ready" 503
        "The proxy is not ready."
        "`checks` in the answer says why."
    Internal "internal" 500
        "A mistake in the proxy itself."
        "Read its log, and report it."
    // store
    StoreUrl "store_url" -
        "`[store] url` names no store that this release can use."
        "Write `url = \"sqlite://path/to/cutover.db\"`."
    StoreTooNew "store_too_new" -
        "The store was written by a newer release."
        "Run that release or a newer one."
    StoreForeign "store_foreign" -
        "The file is a database of another program."
        "Name another file in `[store] url`."
    SqliteTooOld "sqlite_too_old" -
        "The SQLite linked has known data-loss bugs."
        "Build with the bundled SQLite."
    StoreUnwritable "store_unwritable" 503
        "The store's file or directory cannot be written, or the disk is full."
        "Let the proxy's user write it, free disk space."
    StoreReserve "store_reserve" 503
        "The store's disk has less than 32 MiB free, which are kept for revisions."
        "Free disk space: until then what comparing sides finds out is not kept."
    StoreCorrupt "store_corrupt" 503
        "The store's file is damaged or no database."
        "Move it away: the proxy writes a new one from its last good state. Or restore a backup."
    StoreBusy "store_busy" 503
        "Another process holds the store."
        "End it."
    StoreGone "store_gone" 503
        "The store's file was removed or replaced while open."
        "Nothing: the proxy opens it anew and writes its last good state to it."
    StoreSilent "store_silent" 503
        "The store did not answer in time."
        "Look at the disk."
    StoreFailed "store_failed" 503
        "The store failed."
        "Read the log for the cause."
    // start
    NoState "no_state" -
        "The store cannot be opened and there is no last good state on disk, so nobody knows where the routes are."
        "Bring the store back, or put the state file back."
    StateFile "state_file" -
        "The last good state on disk cannot be read or written."
        "Give the proxy's user a private directory for it; move a damaged file away."
    TokenFile "token_file" -
        "The first admin token cannot be written to, or read from, its file."
        "The file must be private (mode 0600), of the proxy's user, in a directory that it can write."
    AdminNotPrivate "admin_not_private" -
        "An admin listener that is not on loopback needs TLS."
        "Set `[admin] tls`, or listen on 127.0.0.1."
    AdminListen "admin_listen" -
        "The admin listener cannot be opened."
        "Free the port or choose another in `[admin] listen`."
    AdminTls "admin_tls" -
        "The admin listener's certificate or key cannot be used."
        "Give a PEM chain and its PEM key, readable by the proxy's user."
}

// === impl Code ===

impl Code {
    /// What it means.
    pub fn doc(self) -> &'static CodeDoc {
        &CODES[self as usize]
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.doc().code
    }

    /// The code of this name.
    pub fn find(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests;
