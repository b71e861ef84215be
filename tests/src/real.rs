//! Real servers for the end-to-end tier: kube-apiserver with etcd, and an S3 store, started on free loopback ports.
//!
//! ```no_run
//! # async fn f() -> anyhow::Result<()> {
//! use ramen_tests::real::{Bed, Link};
//!
//! let bed = Bed::builder().cluster("hub").cluster("dr1").store("s3-east", ["backups"]).start().await?;
//! let client = bed.cluster("dr1")?.client("scheduler").await?; // counted under this user agent in the audit log
//! # let _ = client;
//! bed.cluster("dr1")?.link().set(Link::Held); // half of the world stops answering ...
//! bed.cluster("dr1")?.link().set(Link::Open); // ... and returns
//! # Ok(()) }
//! ```
//!
//! What a bed guarantees:
//! - everything listens on 127.0.0.1 and keeps its data below one temporary folder;
//! - whatever ends the test (return, panic, `kill -9`) ends the servers and removes the folder: each server is the child of
//!   a small shell that kills it when its standard input, a pipe held by the test, closes;
//! - a server that does not become ready is an error that carries the end of its log.
//!
//! No controller-manager runs: owner references are not collected, a deleted namespace stays Terminating and nothing binds
//! a volume. Whoever needs that brings it along.
//!
//! `make e2e` builds the programs (`tests/servers`) and names their folder in `RAMEN_E2E_SERVERS`.

mod audit;
mod bed;
mod cluster;
mod credentials;
mod ports;
mod process;
mod programs;
mod proxy;
mod store;

pub use audit::{AuditCounts, AuditKey};
pub use bed::{Bed, BedBuilder};
pub use cluster::Cluster;
pub use credentials::User;
pub use programs::Programs;
pub use proxy::{Link, Proxy};
pub use store::{Store, StoreAccess};
