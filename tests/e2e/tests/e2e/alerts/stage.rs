//! Users, Cutover between two stand-ins, and everything that watches it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use e2e::Config;
use e2e::config::{self, Route};
use e2e::load::{Load, Pace, Plan, Shot};
use e2e::monitoring::{Monitoring, Past, Watch};
use e2e::raw::RawConnection;
use e2e::rig::Pair;

/// Requests a second: enough for a ratio within a second.
const LOAD_PER_SECOND: f64 = 60.0;
/// Those of them for `device-read`.
const READS_PER_SECOND: f64 = LOAD_PER_SECOND * 0.75;
/// The longest window that pages: over less history it is the first to do so.
const LONGEST_PAGE: Duration = Duration::from_secs(6 * 3600);
/// Connections from one address.
pub(in super::super) const CONNECTIONS_MAX: usize = 64;

/// `device-read` is served by new, `device-list` by legacy, and users ask for both.
pub(in super::super) struct Stage {
    pub(in super::super) monitoring: Monitoring,
    load: Load,
    pub(in super::super) pair: Pair,
    /// Connections that do nothing.
    pub(in super::super) idle: tokio::sync::Mutex<Vec<RawConnection>>,
}

impl Stage {
    pub(in super::super) async fn start(scale: u32) -> anyhow::Result<Stage> {
        Stage::new(scale, false, None).await
    }

    /// Windows as they are shipped, and those that page filled by hours in which all was well.
    pub(in super::super) async fn after_good_hours() -> anyhow::Result<Stage> {
        let past = Past { length: LONGEST_PAGE, per_second: READS_PER_SECOND };
        Stage::new(1, false, Some(past)).await
    }

    /// Pages also go to Cutover itself, and take `device-read` back.
    pub(in super::super) async fn rolling_back(scale: u32) -> anyhow::Result<Stage> {
        Stage::new(scale, true, None).await
    }

    async fn new(scale: u32, rolls_back: bool, past: Option<Past>) -> anyhow::Result<Stage> {
        // The rules' objectives are not the proxy's: its own watch would take the route back
        // before anybody is woken.
        let own = format!("slo = {{ rollback_on_page = {rolls_back} }}");
        let pair = Pair::start_with("phase = \"legacy\"", |config| {
            config.routes = routes(&own, "");
            config.server = format!("limits.connections_per_address_max = {CONNECTIONS_MAX}\n");
        })
        .await?;
        let load = load(&pair);
        // Whoever looks now finds which series there are.
        load.more(20).await?;
        let read = "slo = { availability = 99.9, latency = { target = 99.9, under_ms = 250 } }";
        let promised = pair.rig.subdir("promised")?;
        let list = "slo = { availability = 99.9 }";
        Config { routes: routes(read, list), ..pair.proxy.config().clone() }.write(&promised)?;
        let watch = Watch {
            targets: vec![pair.proxy.admin()],
            config: promised,
            scale,
            past,
            receivers: if rolls_back { vec![receiver(&pair)] } else { Vec::new() },
        };
        let monitoring = Monitoring::start(&pair.rig, &watch).await?;
        // A ratio needs two scrapes.
        let ratio = "slo:sli_error:ratio_rate5m{cutover_slo=\"device-read-availability\",cutover_side=\"all\"}";
        monitoring.until(ratio, |ratio| ratio == Some(0.0)).await?;
        Ok(Stage { monitoring, load, pair, idle: Default::default() })
    }

    /// Waits until users got more answers.
    pub(in super::super) async fn more_load(&self) {
        self.load.more(20).await.unwrap();
    }

    /// Users so far.
    pub(in super::super) fn load(&self) -> &Load {
        &self.load
    }

    pub(in super::super) async fn end(self) {
        self.load.stop().await;
    }
}

/// The team's file; `read` and `list` are further lines of its two routes.
fn routes(read: &str, list: &str) -> String {
    let target = format!("phase = \"live\"\ntimeouts = {{ first_byte_ms = 1000 }}\n{read}");
    let devices = Route { id: "device-list", methods: &["GET"], path: "/api/v1/devices" };
    config::device_read("legacy", "new", &target) + &devices.text("legacy", "new", "safe", list)
}

/// The admin API's own receiver, and a token that it takes.
fn receiver(pair: &Pair) -> (String, PathBuf) {
    (format!("http://{}/api/v1/alerts", pair.proxy.admin()), pair.proxy.token_file())
}

fn load(pair: &Pair) -> Load {
    let shots = Arc::new(|n: u64| match n % 4 {
        0 => Shot { kind: 1, ..Shot::get("/api/v1/devices") },
        _ => Shot::get(format!("/api/v1/devices/{}", n % 500)),
    });
    let pace = Pace::PerSecond(LOAD_PER_SECOND);
    Load::start(Plan { target: pair.proxy.addr(), workers: 24, pace, shots })
}
