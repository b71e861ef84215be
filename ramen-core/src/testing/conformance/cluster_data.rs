//! The kit for [`ClusterDataStore`](crate::protection::cluster_data::ClusterDataStore): cases D1-D28.
//!
//! ```no_run
//! use ramen_core::testing::conformance::cluster_data::{self, ClusterDataBed};
//!
//! # async fn check(bed: &(dyn ClusterDataBed + 'static)) {
//! let report = cluster_data::run(bed).await;
//! println!("{report}\n{}", report.markdown());
//! assert!(report.is_green());
//! # }
//! ```

mod bed;
mod contents;
mod faults;
mod fencing;
mod lab;
mod races;
mod replicas;

pub use bed::{ClusterDataBed, StoreFault};

use super::{
    kit::{self, KitCase},
    report::Report,
};

/// A case for stores of cluster data.
pub type StoreCase = KitCase<dyn ClusterDataBed>;

/// All cases, in the order of their numbers.
pub fn cases() -> Vec<StoreCase> {
    [contents::CASES, fencing::CASES, races::CASES, replicas::CASES, faults::CASES].concat()
}

/// Runs all cases on a bed whose stores are empty.
pub async fn run(bed: &(dyn ClusterDataBed + 'static)) -> Report {
    kit::run(bed.name(), bed, cases(), None).await
}

/// Runs the cases of these numbers on a bed whose stores are empty.
pub async fn run_some(bed: &(dyn ClusterDataBed + 'static), ids: &[&str]) -> Report {
    kit::run(bed.name(), bed, cases(), Some(ids)).await
}
