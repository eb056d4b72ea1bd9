//! Prometheus and Alertmanager as Debian packages them, around a Cutover, with a pager at the end.
//!
//! Everything listens on loopback alone and keeps what it writes in the rig's directory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::process::{Process, Spec};
use crate::{Rig, cli, client, ports, wait};

mod exemplars;
mod pager;
mod past;

pub use exemplars::Exemplar;
pub use pager::{Page, Pager};
pub use past::Past;

/// What is to be watched, and how.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Admin APIs whose `/metrics` is scraped each second, as job `cutover`.
    pub targets: Vec<SocketAddr>,
    /// The process file that rules are made of.
    pub config: PathBuf,
    /// Divides the rules' windows.
    pub scale: u32,
    /// What Prometheus has seen before; without it: nothing.
    pub past: Option<Past>,
    /// Further receivers of pages, beside the pager: URL, and a file with a bearer token.
    pub receivers: Vec<(String, PathBuf)>,
}

/// Prometheus, Alertmanager and a pager. Dropping it ends all three.
pub struct Monitoring {
    prometheus: Process,
    _alertmanager: Process,
    addr: SocketAddr,
    pager: Pager,
}

impl Monitoring {
    /// Makes the rules, starts everything, and waits until the targets were scraped.
    pub async fn start(rig: &Rig, watch: &Watch) -> anyhow::Result<Monitoring> {
        let dir = rig.subdir("monitoring")?;
        make_rules(rig, watch, &dir.join("rules")).await?;
        let pager = Pager::start().await?;
        let (addr, alerts) = (ports::free(), ports::free());
        std::fs::write(dir.join("am.yml"), alertmanager_yml(&pager, watch))?;
        std::fs::write(dir.join("prometheus.yml"), prometheus_yml(alerts, watch))?;
        let _alertmanager = Spec::new("alertmanager", "prometheus-alertmanager")
            .args(["--config.file=am.yml", "--storage.path=am", "--cluster.listen-address="])
            .arg(format!("--web.listen-address={alerts}"))
            .dir(&dir)
            .start(&dir)?;
        answers(&_alertmanager, alerts).await?;
        if let Some(past) = watch.past {
            past.write(&watch.targets, &dir).await?;
        }
        let prometheus = Spec::new("prometheus", "prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg("--enable-feature=exemplar-storage")
            .arg(format!("--web.listen-address={addr}"))
            .dir(&dir)
            .start(&dir)?;
        answers(&prometheus, addr).await?;
        let monitoring = Monitoring { prometheus, _alertmanager, addr, pager };
        let wanted = watch.targets.len() as f64;
        monitoring.until("sum(up{job=\"cutover\"})", |up| up == Some(wanted)).await?;
        Ok(monitoring)
    }

    /// Where pages arrive.
    pub fn pager(&self) -> &Pager {
        &self.pager
    }

    /// Where Prometheus answers.
    pub fn prometheus(&self) -> SocketAddr {
        self.addr
    }

    /// The value of the first series that an instant query gives.
    pub async fn query(&self, query: &str) -> anyhow::Result<Option<f64>> {
        let path = format!("/api/v1/query?query={}", percent_encoded(query));
        let answer = client::get(self.addr, &path).await?;
        let text = answer.text();
        anyhow::ensure!(answer.status == 200, "{query}: {text}");
        let answer: Value = serde_json::from_str(&text)?;
        let value = answer["data"]["result"][0]["value"][1].as_str();
        value.map(|text| text.parse().context("a sample is a number")).transpose()
    }

    /// Waits until a query's value is as wanted.
    pub async fn until(
        &self,
        query: &str,
        is_wanted: impl Fn(Option<f64>) -> bool,
    ) -> anyhow::Result<()> {
        let probe = async || self.query(query).await.is_ok_and(&is_wanted).then_some(());
        self.prometheus.until(query, probe).await
    }

    /// Waits until no alert of this name and these labels fires, at most `deadline`.
    pub async fn quiet(
        &self,
        alert: &str,
        labels: &[(&str, &str)],
        deadline: Duration,
    ) -> anyhow::Result<()> {
        let more = labels.iter().map(|(name, value)| format!(",{name}=\"{value}\""));
        let more: String = more.collect();
        let query = format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"{more}}}");
        wait::within(deadline, format!("the end of {query}"), async || {
            matches!(self.query(&query).await, Ok(None)).then_some(())
        })
        .await?;
        Ok(())
    }
}

async fn make_rules(rig: &Rig, watch: &Watch, out: &Path) -> anyhow::Result<()> {
    let (config, scale) = (watch.config.display().to_string(), watch.scale.to_string());
    let out = out.display().to_string();
    let args = ["slo", "rules", "--config", &config, "--scale", &scale, "--out", &out];
    cli::run(&rig.binary("cutover")?, args, &[], rig.dir()).await?.ok()?;
    // Looked at every second whatever the windows are, so that only they take time.
    for name in ["objectives.yaml", "process.yaml"] {
        let path = Path::new(&out).join(name);
        let text = std::fs::read_to_string(&path)?;
        std::fs::write(&path, text.replace("interval: 30s", "interval: 1s"))?;
    }
    Ok(())
}

fn prometheus_yml(alertmanager: SocketAddr, watch: &Watch) -> String {
    let targets: Vec<String> = watch.targets.iter().map(|target| format!("\"{target}\"")).collect();
    format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n\
         rule_files: [rules/objectives.yaml, rules/process.yaml]\n\
         scrape_configs:\n  - job_name: cutover\n    static_configs: [{{ targets: [{}] }}]\n\
         alerting:\n  alertmanagers:\n    - static_configs: [{{ targets: [\"{alertmanager}\"] }}]\n",
        targets.join(", ")
    )
}

fn alertmanager_yml(pager: &Pager, watch: &Watch) -> String {
    let mut hooks = format!("      - url: {}\n        send_resolved: true\n", pager.url());
    for (url, token) in &watch.receivers {
        hooks += &format!(
            "      - url: {url}\n        send_resolved: true\n        http_config:\n          \
             authorization: {{ credentials_file: \"{}\" }}\n",
            token.display()
        );
    }
    format!(
        "route:\n  receiver: pager\n  group_by: [alertname, cutover_route]\n  group_wait: 0s\n  \
         group_interval: 1s\n  repeat_interval: 1h\n\
         receivers:\n  - name: pager\n    webhook_configs:\n{hooks}"
    )
}

async fn answers(process: &Process, addr: SocketAddr) -> anyhow::Result<()> {
    let ready = async || {
        let answer = client::get(addr, "/-/ready").await.ok()?;
        (answer.status == 200).then_some(())
    };
    process.until("is ready", ready).await
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
