//! Registry put together: files, database, routes, listeners.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use chassis::database::OpenError;
use chassis::identity::SecretError;
use chassis::{
    Clock, Database, InternalToken, Metrics, Readiness, Server, SessionKey, StopSignals,
};

use crate::devices::App;
use crate::plant::Plants;
use crate::reply::Refusal;
use crate::{answer, devices, digest, import, schema};

/// How to run registry.
#[derive(Clone, Debug)]
pub struct Config {
    /// Listeners, access log, limits. Header names are in title case whatever it says.
    pub server: chassis::Config,
    /// The database file, made when absent.
    pub db: PathBuf,
    /// The monolith's session key.
    pub session_key_file: PathBuf,
    /// The bearer token of `/internal/…`, made when absent.
    pub internal_token_file: PathBuf,
    /// The clock of writes and sessions.
    pub clock: Clock,
    /// Faults planted in the answers, for demos and tests; none by default.
    pub plants: Plants,
}

/// A running registry.
pub struct Registry {
    server: Server,
    database: Database,
}

/// Why registry does not start. Each names the file or address.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The session key or the token.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// A listener or the access log.
    #[error(transparent)]
    Server(#[from] chassis::StartError),
}

impl Registry {
    /// Opens everything and listens. Once this returns, connections are accepted.
    pub async fn start(config: Config, metrics: Metrics) -> Result<Registry, StartError> {
        let sessions = SessionKey::load(&config.session_key_file)?;
        let token = InternalToken::open(&config.internal_token_file)?;
        let database = Database::open(&config.db, schema::STEPS).await?;
        let app = App { database: database.clone().into(), sessions, clock: config.clock };
        let public = config.plants.around(answer::service(metrics.observe(public(app))));
        let internal = import::routes(database.clone()).merge(digest::routes(database.clone()));
        let readiness = readiness(&database);
        let server_config = chassis::Config { title_case_headers: true, ..config.server };
        let server =
            Server::start(server_config, public, internal, metrics, readiness, token).await?;
        Ok(Registry { server, database })
    }

    /// Where clients and the proxy connect.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Where the adapter, health checks and the collector of metrics connect.
    pub fn internal_addr(&self) -> SocketAddr {
        self.server.internal_addr()
    }

    /// Runs until a stop signal, lets requests under way finish, closes the database.
    pub async fn run(self, signals: StopSignals) {
        self.server.run(signals).await;
        self.database.close().await;
    }

    /// Lets requests under way finish and closes the database.
    pub async fn stop(self) {
        self.server.stop().await;
        self.database.close().await;
    }
}

fn public(app: App) -> Router {
    devices::routes()
        .method_not_allowed_fallback(async || Refusal::METHOD)
        .fallback(answer::unmatched)
        .with_state(app)
}

fn readiness(database: &Database) -> Readiness {
    let database = database.clone();
    Readiness::new(move || {
        let database = database.clone();
        async move { database.check().await.map_err(|_| "the database does not answer".to_owned()) }
    })
}
