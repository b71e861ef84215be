//! The kit for [`ReplicationDriver`](crate::protection::replication::ReplicationDriver): cases M1-M22.
//!
//! ```no_run
//! use ramen_core::testing::conformance::replication::{self, ReplicationBed};
//!
//! # async fn check(bed: &(dyn ReplicationBed + 'static)) {
//! let report = replication::run(bed).await;
//! println!("{report}\n{}", report.markdown());
//! assert!(report.is_green());
//! # }
//! ```

mod bed;
mod convergence;
mod endings;
mod faults;
mod lab;
mod purity;
mod roles;

pub use bed::{DriverFault, ReplicationBed, Side};

use super::{
    kit::{self, KitCase},
    report::Report,
};

/// A case for replication drivers.
pub type DriverCase = KitCase<dyn ReplicationBed>;

/// All cases, in the order of their numbers.
pub fn cases() -> Vec<DriverCase> {
    let mut all = [purity::CASES, roles::CASES, convergence::CASES, endings::CASES, faults::CASES].concat();
    all.sort_by_key(|case| case.title.id[1..].parse::<u32>().ok());
    all
}

/// Runs all cases on a bed.
pub async fn run(bed: &(dyn ReplicationBed + 'static)) -> Report {
    kit::run(bed.name(), bed, cases(), None).await
}

/// Runs the cases of these numbers on a bed.
pub async fn run_some(bed: &(dyn ReplicationBed + 'static), ids: &[&str]) -> Report {
    kit::run(bed.name(), bed, cases(), Some(ids)).await
}
