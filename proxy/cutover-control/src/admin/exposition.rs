//! `/metrics` in the format that the scraper asks for.
//!
//! The registry writes OpenMetrics. A scraper that does not ask for it gets Prometheus' own text
//! format 0.0.4, which knows neither exemplars nor units nor `# EOF`, names counters with their
//! `_total`, and has no info or stateset.

/// Content type of OpenMetrics.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Content type of the older text format.
pub(super) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether an `Accept` header asks for OpenMetrics (RFC 9110 §12.5.1; a `q=0` refuses).
pub(super) fn wants_open_metrics(accept: Option<&str>) -> bool {
    accept.unwrap_or_default().split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_it =
            parts.next().is_some_and(|t| t.eq_ignore_ascii_case("application/openmetrics-text"));
        let refused = parts.any(|p| {
            p.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0))
        });
        is_it && !refused
    })
}

/// Rewrites OpenMetrics as the older format.
pub(super) fn to_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut suffix = "";
    let mut family = "";
    // HELP comes after TYPE only by chance: whatever names a family needs its final name.
    let kinds: std::collections::HashMap<&str, &str> = open_metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let Some((keyword, rest)) = rest.split_once(' ') else { continue };
            let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            if name != family {
                family = name;
                suffix = match kinds.get(name) {
                    Some(&"counter") => "_total",
                    Some(&"info") => "_info",
                    _ => "",
                };
            }
            let rest = if keyword == "TYPE" { kind(rest) } else { rest };
            if matches!(keyword, "HELP" | "TYPE") {
                text.extend(["# ", keyword, " ", name, suffix, " ", rest, "\n"]);
            }
        } else {
            text.extend([without_exemplar(line), "\n"]);
        }
    }
    text
}

fn kind(open_metrics: &str) -> &str {
    match open_metrics {
        "info" | "stateset" => "gauge",
        "gaugehistogram" | "unknown" => "untyped",
        kind => kind,
    }
}

/// A sample ends where its exemplar begins: at ` # ` outside of quotes.
fn without_exemplar(line: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'#' if !quoted && line[..at].ends_with(' ') => return line[..at].trim_end(),
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests;
