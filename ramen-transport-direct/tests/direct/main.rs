//! The direct transport on simulated clusters, in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bed;
mod cost;
mod deliver;
mod observe;
mod secrets;
