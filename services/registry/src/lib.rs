//! Registry: the devices of the smart homes, taken over from the monolith.
//!
//! Its public routes answer exactly as the monolith's do (`tests/monolith/CONTRACT.md`), so that
//! nobody can tell who answered. Its internal routes take the monolith's rows
//! (`PUT /internal/v1/import`) and tell what is there
//! (`GET /internal/v1/digest`).
//!
//! Copies of writes that the proxy sends before it trusts registry (`Cutover-Shadow: 1`) are answered
//! like the writes themselves and change nothing: see [`chassis::dry_run`]. Demos and tests may have
//! it answer wrongly on purpose: see [`Plants`].
//!
//! Refused: knowing more than devices need. Of homes only the owner is kept, of users nothing.

mod answer;
mod body;
mod device;
mod devices;
mod digest;
mod import;
mod input;
mod plant;
mod query;
mod reply;
mod schema;
mod server;

pub use plant::{PlantError, Plants};
pub use server::{Config, Registry, StartError};
