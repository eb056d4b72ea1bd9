//! The player is tested against made-up servers in `tests`; here only the pure parts.
