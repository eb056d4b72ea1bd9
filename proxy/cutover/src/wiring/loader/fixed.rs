//! What belongs to a process for its whole life: a reload that changes it is refused.

use crate::config::{Code, Config, Diagnostic, Node, Report};

/// Settings that are only read at start.
pub(super) struct Fixed {
    listeners: Vec<(std::net::SocketAddr, bool)>,
    /// Key path in the process file, what it was, in a form that can be compared and shown.
    others: Vec<(&'static [&'static str], String)>,
}

// === impl Fixed ===

impl Fixed {
    pub(super) fn of(config: &Config) -> Fixed {
        let document = &config.document;
        let listeners = config.settings.listeners.iter();
        Fixed {
            listeners: listeners.map(|l| (l.address, l.tls.is_some())).collect(),
            others: vec![
                (&["server", "workers"], config.settings.limits.workers.to_string()),
                (&["server", "upgrade_sock"], config.upgrade_sock.display().to_string()),
                (&["store", "url"], config.store.url.clone()),
                (&["store", "state_file"], config.store.state_file.display().to_string()),
                (&["admin", "listen"], config.admin.listen.to_string()),
                (&["admin", "token_file"], config.admin.token_file.display().to_string()),
                (&["admin", "tls"], format!("{:?}", config.admin.tls)),
                (&["admin", "hosts"], format!("{:?}", config.admin.hosts)),
                (&["telemetry"], format!("{:?}", without_respond(&document.telemetry))),
            ],
        }
    }

    /// Reports every setting that differs and cannot.
    pub(super) fn check(&self, config: &Config, process: &Node, report: &mut Report) {
        let now = Fixed::of(config);
        self.check_listeners(&now, process, report);
        for ((path, before), (_, after)) in self.others.iter().zip(&now.others) {
            if before == after {
                continue;
            }
            let message = format!("`{}` changed, and is only read at start", path.join("."));
            report.push(
                Diagnostic::error(Code::NeedsRestart, message)
                    .at(process.find(path).place.clone())
                    .hint(HAND_OVER),
            );
        }
        report.sort();
    }

    fn check_listeners(&self, now: &Fixed, process: &Node, report: &mut Report) {
        if self.listeners.len() != now.listeners.len() {
            let (before, after) = (self.listeners.len(), now.listeners.len());
            let message = format!("the number of listeners was {before} and is now {after}");
            report.push(
                Diagnostic::error(Code::ListenerChanged, message)
                    .at(process.find(&["listener"]).place.clone())
                    .hint(HAND_OVER),
            );
            return;
        }
        let pairs = self.listeners.iter().zip(&now.listeners).enumerate();
        for (at, (before, after)) in pairs.filter(|(_, (before, after))| before != after) {
            let node = process.find(&["listener", &at.to_string()]);
            let (message, key) = match before.0 == after.0 {
                true => (format!("TLS of {} was turned on or off", before.0), "tls"),
                false => {
                    (format!("a listener was at {} and is now at {}", before.0, after.0), "listen")
                }
            };
            report.push(
                Diagnostic::error(Code::ListenerChanged, message)
                    .at(node.find(&[key]).place.clone())
                    .hint(HAND_OVER),
            );
        }
    }
}

const HAND_OVER: &str = "hand over to a new process: start it with `cutover run --upgrade`, then send \
     SIGQUIT to this one; or put the old value back";

/// `trace.respond` is read anew for every request.
fn without_respond(
    telemetry: &crate::config::document::Telemetry,
) -> crate::config::document::Telemetry {
    let mut telemetry = telemetry.clone();
    telemetry.trace.respond = false;
    telemetry
}
