//! One test a bad value: what a person reads is what is tested.

mod bad;
mod good;
