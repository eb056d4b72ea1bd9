//! A real browser, driven by WebDriver (W3C): Debian's Chromium without a window.
//!
//! The driver is a process of ours on loopback, and what it is asked is plain HTTP and JSON.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::client::Client;
use crate::ports;
use crate::process::{Process, Spec};
use crate::rig::Rig;
use crate::wait;

/// The key of an element's id in answers (WebDriver §12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long the driver may take for one thing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the browser is to be.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Of the window, in CSS pixels.
    pub width: u32,
    /// Of the window, in CSS pixels.
    pub height: u32,
    /// What the user's system prefers.
    pub is_dark: bool,
    /// Whether pages may run scripts.
    pub scripts: bool,
}

/// A window of a browser with a profile of its own.
pub struct Browser {
    driver: SocketAddr,
    session: String,
    _process: Process,
}

/// One element of the page.
#[derive(Clone, Debug)]
pub struct Element(String);

/// Keys of no character (WebDriver §17.4.2).
pub mod key {
    /// To the next thing that takes keys.
    pub const TAB: char = '\u{E004}';
    /// Does what has the focus.
    pub const ENTER: char = '\u{E007}';
    /// Held while others are struck.
    pub const CONTROL: char = '\u{E009}';
}

impl Default for Look {
    fn default() -> Look {
        Look { width: 1_280, height: 900, is_dark: false, scripts: true }
    }
}

impl Browser {
    /// Starts one. Fails where Chromium or its driver is not installed.
    pub async fn start(rig: &Rig, look: Look) -> anyhow::Result<Browser> {
        let driver = ports::free();
        let dir = rig.subdir(&format!("browser-{}", driver.port()))?;
        let profile = dir.join("profile");
        let process = Spec::new("chromedriver", "chromedriver")
            .arg(format!("--port={}", driver.port()))
            .env("HOME", dir.display().to_string())
            .env("TMPDIR", dir.display().to_string())
            .start(&dir)
            .context("tests/all installs chromium and chromium-driver")?;
        let ready = async || {
            let status = crate::client::get(driver, "/status").await.ok()?;
            status.text().contains("\"ready\":true").then_some(())
        };
        process.until("is ready", ready).await?;
        let mut browser = Browser { driver, session: String::new(), _process: process };
        let opened = browser.ask(Method::POST, "/session", capabilities(look, &profile)).await?;
        let session = opened["sessionId"].as_str().context("a session has an id")?;
        browser.session = format!("/session/{session}");
        browser.prefer(look).await?;
        Ok(browser)
    }

    /// Opens an address and waits until the page is there.
    pub async fn open(&self, url: &str) -> anyhow::Result<()> {
        self.command("/url", json!({ "url": url })).await.map(drop)
    }

    /// The address of the page.
    pub async fn url(&self) -> anyhow::Result<String> {
        let url = self.ask(Method::GET, &format!("{}/url", self.session), Value::Null).await?;
        Ok(url.as_str().unwrap_or_default().to_owned())
    }

    /// The first element that a CSS selector fits.
    pub async fn find(&self, css: &str) -> anyhow::Result<Element> {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.command("/element", wanted).await?;
        let id = found[ELEMENT].as_str().with_context(|| format!("no element {css}"))?;
        Ok(Element(id.to_owned()))
    }

    /// What an element says to its reader.
    pub async fn text(&self, css: &str) -> anyhow::Result<String> {
        let Element(id) = self.find(css).await?;
        let path = format!("{}/element/{id}/text", self.session);
        let text = self.ask(Method::GET, &path, Value::Null).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks an element.
    pub async fn click(&self, css: &str) -> anyhow::Result<()> {
        let Element(id) = self.find(css).await?;
        self.command(&format!("/element/{id}/click"), json!({})).await.map(drop)
    }

    /// Types into an element.
    pub async fn type_into(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let Element(id) = self.find(css).await?;
        self.command(&format!("/element/{id}/value"), json!({ "text": text })).await.map(drop)
    }

    /// Strikes keys, one after the other, wherever the focus is.
    pub async fn strike(&self, keys: impl IntoIterator<Item = char>) -> anyhow::Result<()> {
        let strokes: Vec<Value> = keys
            .into_iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.command("/actions", json!({ "actions": [keyboard] })).await.map(drop)
    }

    /// Strikes Tab until the element has the focus.
    pub async fn tab_to(&self, css: &str) -> anyhow::Result<()> {
        // Far more than any page has.
        for _ in 0..200 {
            self.strike([key::TAB]).await?;
            let here = format!("return document.activeElement.matches({})", json!(css));
            if self.run(&here).await? == true {
                return Ok(());
            }
        }
        bail!("Tab never leads to {css}")
    }

    /// Runs a script as the driver, whether pages may or not.
    pub async fn run(&self, script: &str) -> anyhow::Result<Value> {
        self.command("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Runs a script that calls back with its value.
    pub async fn run_async(&self, script: &str) -> anyhow::Result<Value> {
        self.command("/execute/async", json!({ "script": script, "args": [] })).await
    }

    /// Waits until the address of the page fits.
    pub async fn arrives(&self, fits: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        let look = async || self.url().await.ok().filter(|url| fits(url));
        Ok(wait::eventually("the page", look).await?)
    }

    /// Waits until an element says `text`.
    pub async fn says(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let what = format!("`{text}` in {css}");
        let look = async || {
            let said = self.text(css).await.ok()?;
            said.contains(text).then_some(())
        };
        Ok(wait::eventually(what, look).await?)
    }

    /// The whole page as PNG, as high as it is.
    pub async fn picture(&self) -> anyhow::Result<Vec<u8>> {
        let parameters = json!({ "captureBeyondViewport": true, "format": "png" });
        let taken = self.chrome("Page.captureScreenshot", parameters).await?;
        let data = taken["data"].as_str().context("a picture")?;
        Ok(BASE64_STANDARD.decode(data)?)
    }

    /// Sets the size of the page and what its user prefers.
    pub async fn prefer(&self, look: Look) -> anyhow::Result<()> {
        let size = json!({
            "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.chrome("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = if look.is_dark { "dark" } else { "light" };
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.chrome("Emulation.setEmulatedMedia", features).await?;
        let scripts = json!({ "value": !look.scripts });
        self.chrome("Emulation.setScriptExecutionDisabled", scripts).await.map(drop)
    }

    /// What only Chromium has.
    async fn chrome(&self, name: &str, parameters: Value) -> anyhow::Result<Value> {
        self.command("/goog/cdp/execute", json!({ "cmd": name, "params": parameters })).await
    }

    async fn command(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.ask(Method::POST, &format!("{}{path}", self.session), body).await
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> anyhow::Result<Value> {
        let body = if method == Method::GET { Bytes::new() } else { body.to_string().into() };
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json").body(body)?;
        let mut client = Client::http1(self.driver).await?;
        let answer = tokio::time::timeout(PATIENCE, client.ask(request)).await;
        let answer = answer.with_context(|| format!("{path} took too long"))??;
        let mut json: Value = serde_json::from_slice(&answer.body)
            .with_context(|| format!("{path}: {}", answer.text()))?;
        ensure!(answer.status == 200, "{path}: {}", json["value"]["message"]);
        Ok(json["value"].take())
    }
}

/// No sandbox: tests run as root in containers, where it cannot be set up. Nothing but our own
/// pages is opened.
fn capabilities(look: Look, profile: &Path) -> Value {
    let args = [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-extensions".to_owned(),
        "--disable-background-networking".to_owned(),
        "--force-device-scale-factor=1".to_owned(),
        "--hide-scrollbars".to_owned(),
        format!("--window-size={},{}", look.width, look.height),
        format!("--user-data-dir={}", profile.display()),
    ];
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": { "args": args },
        "timeouts": { "script": 30_000, "pageLoad": 30_000, "implicit": 0 },
    } } })
}
