//! The data plane.

pub mod guard;
pub mod tls;
