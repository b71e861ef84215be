//! Cluster data in an object store: keys byte-equal to Ramen's, bodies equal once decoded, writers fenced by epoch.
//!
//! Under a group's prefix `<namespace>/<name>/` lie Ramen's objects, and one of ours, `epoch/a`: the epoch record. The epoch of an
//! entry is kept in the comment of its gzip header, which every decoder skips: bodies stay what Ramen reads, and no feature of
//! the store is needed.

mod breaker;
mod encoding;
mod epoch;
mod failures;
mod probe;
pub mod s3;
mod store;

pub use breaker::Breaker;
pub use encoding::{DecodeError, decode, encode};
pub use store::ObjectStoreClusterData;
