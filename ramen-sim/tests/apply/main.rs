//! Server-side apply, ownership and strategic merge patch against what a kube-apiserver v1.36.3 answered.
//!
//! `data/apply-*.json` hold, for each rule, the requests that were sent and the objects or refusals that came back. Each request
//! is replayed on the object that the real server held at that moment, so that one difference does not hide the next.
#![allow(clippy::unwrap_used, clippy::panic)]

mod core;
mod custom;
mod replay;
mod server;
