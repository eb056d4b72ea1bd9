//! What a machine needs, one function a thing.

use std::{
    fs,
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::Finding;
use crate::{
    cli::{
        args::Global,
        io::Io,
        local::{count, reach},
    },
    config::{self, Config, Depth, shown},
};

const CONFIGURATION: &str = "configuration";
const MACHINE: &str = "machine";
const FILES: &str = "files";
const NETWORK: &str = "network";

/// Longest wait for one connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// No clock that is right shows less: 2026-01-01T00:00:00Z.
const CLOCK_MIN_SECONDS: u64 = 1_767_225_600;

/// Every check that the configuration allows.
pub(super) fn all(path: &Path, global: &Global, io: &Io<'_>) -> Vec<Finding> {
    let loaded = config::load(path, &io.environment, Depth::Whole);
    let mut findings = vec![configuration(&loaded)];
    findings.push(clock(loaded.config.as_ref()));
    let Some(config) = &loaded.config else { return findings };
    findings.push(open_files(config));
    findings.extend([store(config), state_file(config), token_file(config), off_switch(config)]);
    let ours = is_running(config);
    let listeners = config.settings.listeners.iter().map(|listener| listener.address);
    findings.extend(listeners.map(|address| port("listener", address, ours)));
    findings.push(port("admin API", config.admin.listen, ours));
    let patience = PATIENCE.min(global.timeout);
    findings.extend(reach::upstreams(config, patience).into_iter().map(upstream));
    findings.extend(reach::otlp(config, patience).map(otlp));
    findings
}

fn configuration(loaded: &config::Loaded) -> Finding {
    let file = loaded.files.first().map_or("cutover.toml", String::as_str);
    match &loaded.config {
        Some(config) => {
            let found = Finding::ok(CONFIGURATION, format!("{} is valid", shown(&config.path)));
            match loaded.report.warnings() {
                0 => found,
                warnings => Finding {
                    detail: Some(count(warnings, "warning")),
                    remedy: Some("`cutover check` shows them".to_owned()),
                    ..found.warning()
                },
            }
        }
        None => {
            let first = loaded.first_error().unwrap_or_default();
            let errors = loaded.report.errors();
            let detail = match errors {
                1 => first,
                errors => format!("{first}\nand {} more", count(errors - 1, "mistake")),
            };
            let remedy = "`cutover check` shows every mistake with its place";
            Finding::failed(CONFIGURATION, format!("{file} is valid"), detail, remedy)
        }
    }
}

fn clock(config: Option<&Config>) -> Finding {
    let now = SystemTime::now();
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let check = "the clock is plausible";
    let remedy =
        "set the clock and keep it with NTP: certificates, tokens and the history rely on it";
    if seconds < CLOCK_MIN_SECONDS {
        let detail = format!("it shows {seconds} s since 1970");
        return Finding::failed(MACHINE, check, detail, remedy);
    }
    let written = config.and_then(|config| fs::metadata(&config.path).ok()?.modified().ok());
    match written.and_then(|written| written.duration_since(now).ok()) {
        Some(ahead) if ahead > Duration::from_secs(60) => {
            let detail =
                format!("the configuration was written {} s in the future", ahead.as_secs());
            Finding::failed(MACHINE, check, detail, remedy).warning()
        }
        _ => Finding::ok(MACHINE, check),
    }
}

/// A proxied connection takes two descriptors, and a few belong to the process itself.
fn open_files(config: &Config) -> Finding {
    let wanted = 2 * config.settings.limits.connections_max as u64 + 64;
    let check =
        format!("open files: {wanted} for {} connections", config.settings.limits.connections_max);
    match open_files_max() {
        Some(limit) if limit < wanted => {
            let detail = format!("the limit is {limit}");
            let remedy = "raise it (`ulimit -n`, or `LimitNOFILE=` in the systemd unit), or lower `[server] limits.connections_max`";
            Finding::failed(MACHINE, check, detail, remedy)
        }
        _ => Finding::ok(MACHINE, check),
    }
}

/// The soft limit; `None` where it cannot be read or there is none.
fn open_files_max() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn store(config: &Config) -> Finding {
    let path = config.store.url.trim_start_matches("sqlite://");
    writable("the store", Path::new(path))
}

fn state_file(config: &Config) -> Finding {
    writable("the last good state", &config.store.state_file)
}

/// Whether a file can be written, without changing it.
fn writable(what: &str, path: &Path) -> Finding {
    let check = format!("{what} is writable ({})", shown(path));
    let remedy = "let the user that runs cutover write there, or name another place in `[store]`";
    let tried = match fs::OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let probe = path.with_extension(format!("probe-{}", std::process::id()));
            fs::OpenOptions::new().write(true).create_new(true).open(&probe).map(|_| {
                // Only this process knows the name; should it stay, it is empty.
                let _ = fs::remove_file(&probe);
            })
        }
        other => other.map(drop),
    };
    match tried {
        Ok(()) => Finding::ok(FILES, check),
        Err(error) => Finding::failed(FILES, check, error.to_string(), remedy),
    }
}

fn token_file(config: &Config) -> Finding {
    let path = &config.admin.token_file;
    let check = format!("the admin token is private ({})", shown(path));
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Finding {
            detail: Some("the first start writes it".to_owned()),
            ..Finding::ok(FILES, check)
        },
        Err(error) => {
            let remedy = "run as the user that runs the proxy";
            Finding::failed(FILES, check, error.to_string(), remedy)
        }
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            let detail = format!("its mode is {:o}", metadata.permissions().mode() & 0o777);
            Finding::failed(FILES, check, detail, format!("chmod 600 {}", shown(path)))
        }
        Ok(_) => Finding::ok(FILES, check),
    }
}

fn off_switch(config: &Config) -> Finding {
    let check = "the off switch is off";
    match config.legacy_all.exists() {
        false => Finding::ok(FILES, check),
        true => {
            let detail =
                format!("{} is there: every route is in its safe phase", shown(&config.legacy_all));
            let remedy = "remove the file, then release the routes";
            Finding::failed(FILES, check, detail, remedy).warning()
        }
    }
}

/// Whether the admin API of this configuration is there already: then the ports are ours.
fn is_running(config: &Config) -> bool {
    let address = config.admin.listen;
    address.port() != 0 && std::net::TcpStream::connect_timeout(&address, PATIENCE).is_ok()
}

fn port(what: &str, address: SocketAddr, ours: bool) -> Finding {
    let check = format!("{what} {address} is free");
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(NETWORK, check),
        Err(error) if error.kind() == ErrorKind::AddrInUse && ours => Finding {
            detail: Some("held by the proxy that runs".to_owned()),
            ..Finding::ok(NETWORK, check)
        },
        Err(error) => {
            let remedy = match error.kind() {
                ErrorKind::AddrInUse => format!(
                    "`ss -ltnp 'sport = :{}'` shows who has it; stop that, or choose another port",
                    address.port()
                ),
                ErrorKind::PermissionDenied => {
                    "ports below 1024 need CAP_NET_BIND_SERVICE (`AmbientCapabilities=` in systemd)"
                        .to_owned()
                }
                _ => "this machine has no such address; choose one of its own".to_owned(),
            };
            Finding::failed(NETWORK, check, error.to_string(), remedy)
        }
    }
}

fn upstream(found: reach::Found) -> Finding {
    let check = format!("{} answers at {}", found.what, found.address);
    match found.problem {
        None => Finding::ok(NETWORK, check),
        Some(problem) => {
            let remedy = "start it, or correct its `url`; until then its routes answer 502";
            Finding::failed(NETWORK, check, problem, remedy)
        }
    }
}

fn otlp(found: reach::Found) -> Finding {
    let check = format!("{} answers at {}", found.what, found.address);
    match found.problem {
        None => Finding::ok(NETWORK, check),
        Some(problem) => {
            let remedy = "start it or correct `[telemetry] otlp`; until then traces are dropped and counted, requests do not suffer";
            Finding::failed(NETWORK, check, problem, remedy).warning()
        }
    }
}
