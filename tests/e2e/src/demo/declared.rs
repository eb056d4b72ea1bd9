//! What is declared: the route, what it promises, what it must prove, and registry's builds.

use super::Options;

/// The monolith's own noise: it tells one firmware in eleven wrong.
pub(super) const NOISE: &str = r#"[{"kind":"wrong_field","field":"firmware","path_prefix":"/api/v1/devices/","methods":["GET"],"share":0.09}]"#;
/// How many times faster than declared budgets are judged: an hour is a minute.
const FASTER: u32 = 60;

/// A build of registry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Build {
    pub(super) name: &'static str,
    /// Mistakes in it.
    pub(super) plants: &'static str,
}

/// It has the monolith's noise, and a mistake of its own.
pub(super) const WRONG: Build = Build { name: "v1", plants: "wrong_field,noisy_field" };
/// The mistake is mended.
pub(super) const MENDED: Build = Build { name: "v2", plants: "noisy_field" };
/// What comes after [`MENDED`] has failed.
pub(super) const NEXT: Build = Build { name: "v3", ..MENDED };

/// Parity that the gate asks for before registry serves anybody, in percent. On a machine that
/// stalls, a few copies are answered too late, and that is no parity either.
pub(super) const PARITY: f64 = 95.0;

/// Comparisons that it must rest on: with all of them equal, 99 % and 99.5 % are proven.
pub(super) fn comparisons(options: &Options) -> u32 {
    if options.fix { 598 } else { 299 }
}

/// How the route is declared. Registry knows the monolith's sessions, so copies keep theirs.
pub(super) fn route(options: &Options) -> String {
    let dwell_minutes = f64::from(options.seconds) / 60.0;
    format!(
        r#"phase = "legacy"
shadow = {{ percent = 100, max_rps = 0, credentials = "forward" }}
slo = {{ availability = 99.5, latency = {{ target = 95.0, under_ms = 250 }} }}

[route.gates]
automatic = true
require = ["burn", "regression", "parity"]
steps = [10, 50, 100]
dwell_minutes = {dwell_minutes:.4}
dwell_requests = 20
cool_down_minutes = 0.05

[[route.rule]]
path = "body.request_id"
reason = "made anew for each answer"
shape = "non-empty"
"#
    )
}

/// How gates judge: by seconds instead of hours. A busy laptop is no place to compare latencies to
/// the millisecond, so new is too slow only at ten times legacy's.
pub(super) fn gates(options: &Options) -> String {
    let comparisons = comparisons(options);
    format!(
        "[gates]\nevaluate_ms = 500\nwindows_scale = {FASTER}\ndifference_points = 2.0\n\
         parity = {PARITY:?}\ncomparisons = {comparisons}\n\
         latency_times = 10.0\nlatency_above_ms = 1000.0\n"
    )
}
