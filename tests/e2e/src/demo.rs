//! The demo: one route moves from the monolith to registry and back, under load, before one's eyes.
//!
//! Registry is started with a mistake planted in it, which comparing answers finds before any user
//! is served by it, and with the monolith's own noise, which is not taken for one. Mended, it gets
//! a tenth of the users by a command; its gates take it on to all of them, and back once it breaks.
//!
//! Everything in it is real: the processes, the moves by the `cutover` command or by gates, the
//! answers that are counted. Each request of the load is in one printed number of every list, and the demo
//! checks the sums itself. In the end three accounts must agree: the load's, Cutover's metrics,
//! and what both servers wrote into their access logs, copies of requests included.

mod account;
mod declared;
mod gated;
mod gates;
mod lines;
mod parity;
mod place;
mod screen;
mod stage;
mod story;
mod tally;
mod traffic;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::screen::Screen;

/// Moves a route from a monolith to a new service under load: finds the mistake that it has in it
/// at first, lets evidence take it to all users, breaks it, and has it taken back by itself.
///
/// Starts everything on free loopback ports in a private directory, and leaves nothing behind.
#[derive(Clone, Debug, Parser)]
#[command(name = "tests/demo")]
pub struct Options {
    /// Stay up afterwards, with lines to try.
    #[arg(long)]
    pub keep: bool,
    /// Once the mistake is mended, go on only when parity is proven: at 99.5 % at least, which takes
    /// 598 equal answers in a row; without it 299 are enough.
    #[arg(long)]
    pub fix: bool,
    /// No redrawing and no colours, as if the output were a file.
    #[arg(long)]
    pub plain: bool,
    /// Requests per second.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=5000))]
    pub rate: u32,
    /// Seconds that each step is watched.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// Devices beyond the monolith's usual 40.
    #[arg(long, default_value_t = 2000)]
    pub devices: u32,
}

/// Tells the story; 0 when every user was served and all accounts agree, 1 if not, 130 when
/// interrupted.
pub async fn run(options: Options) -> ExitCode {
    // Before anything is made that would be left: until then a signal just ends the process.
    let signals = Signals::install();
    let mut screen = Screen::new(options.plain);
    let told = tokio::select! {
        told = story::tell(&options, &mut screen) => told,
        name = signals.enough() => {
            // What the story had started is gone when its future is dropped, just below.
            screen.interrupted(name);
            return ExitCode::from(130);
        }
    };
    match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            screen.failed(&error);
            ExitCode::FAILURE
        }
    }
}

impl Options {
    fn step(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

/// The signals that mean: enough. `None` where they cannot be had.
struct Signals(Option<[Signal; 3]>);

impl Signals {
    fn install() -> Signals {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [Ok(interrupt), Ok(terminate), Ok(hangup)] = kinds.map(signal) else {
            return Signals(None);
        };
        Signals(Some([interrupt, terminate, hangup]))
    }

    /// Waits for one of them, and names it.
    async fn enough(self) -> &'static str {
        let Some([mut interrupt, mut terminate, mut hangup]) = self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => "Ctrl-C",
            _ = terminate.recv() => "SIGTERM",
            _ = hangup.recv() => "SIGHUP",
        }
    }
}
