//! Kits that check whether an implementation keeps the promises of its trait.
//!
//! Each kit is a list of named cases. A case that a declared capability excludes is reported as *not applicable because ...*,
//! one that the test bed cannot bring about as *not tried because ...*; neither counts as kept.
//!
//! Running the kit for transports and views takes a [`TransportBed`]:
//!
//! ```
//! use ramen_core::testing::{conformance::{self, TransportBed}, memory::InMemoryBed};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let bed = InMemoryBed::new(); // yours
//! let report = conformance::run_some(&bed, &["T1", "V1"]).await; // or conformance::run(&bed)
//! println!("{report}"); // a line for each case: expected, seen
//! println!("{}", report.markdown()); // the table to publish
//! assert!(report.is_green());
//! # }
//! ```

mod admin;
mod bed;
pub mod cluster_data;
mod flow;
mod kit;
mod lab;
pub mod placement;
mod registry;
pub mod replication;
mod report;
mod sample;
mod transport;
mod view;

pub use admin::ClientAdmin;
pub use bed::{Admin, BedError, Fault, HubSide, RecordsEvent, TransportBed, Verb};
pub use kit::KitCase;
pub use lab::Lab;
pub use report::{CaseOutcome, CaseResult, CaseTitle, Report, Unmet, Verdict};

use std::time::Duration;

use futures::future::LocalBoxFuture;

/// A case for transports and views.
#[derive(Clone, Copy)]
pub struct Case {
    /// What is listed.
    pub title: CaseTitle,
    run: for<'a> fn(&'a Lab<'_>) -> LocalBoxFuture<'a, CaseOutcome>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.title.fmt(f)
    }
}

/// Lists cases: number, promise, what is lost without it, the function that tries it.
macro_rules! list_cases {
    ($($id:literal: $promise:literal, $loses:literal, $run:path;)*) => {
        &[$($crate::testing::conformance::Case {
            title: $crate::testing::conformance::CaseTitle { id: $id, promise: $promise, loses: $loses },
            run: |lab| Box::pin($run(lab)),
        }),*]
    };
}
use list_cases;

/// All cases for transports, views and registries, in the order of their numbers.
pub fn cases() -> Vec<Case> {
    let mut all = [
        transport::intent::CASES,
        transport::apply::CASES,
        transport::ownership::CASES,
        transport::deletion::CASES,
        view::reading::CASES,
        view::content::CASES,
        view::registration::CASES,
        view::notice::CASES,
        flow::bounds::CASES,
        flow::order::CASES,
        flow::words::CASES,
        registry::CASES,
    ]
    .concat();
    all.sort_by_key(|case| {
        let (letter, number) = case.title.id.split_at(1);
        ("TVCR".find(letter), number.parse::<u32>().ok())
    });
    all
}

/// Runs all cases on a bed.
pub async fn run(bed: &dyn TransportBed) -> Report {
    run_cases(bed, cases()).await
}

/// Runs the cases of these numbers.
pub async fn run_some(bed: &dyn TransportBed, ids: &[&str]) -> Report {
    run_cases(bed, cases().into_iter().filter(|case| ids.contains(&case.title.id)).collect()).await
}

async fn run_cases(bed: &dyn TransportBed, cases: Vec<Case>) -> Report {
    let mut results = Vec::new();
    let mut subject = String::from("transport and view");
    for case in cases {
        let outcome = match Lab::set_up(bed, case.title.id).await {
            Ok(lab) => {
                subject = match (lab.caps().name, lab.view_caps().name) {
                    (transport, view) if transport == view => transport,
                    (transport, view) => format!("{transport}, viewed by {view}"),
                };
                match tokio::time::timeout(longest(&lab), (case.run)(&lab)).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(Unmet::Broken("the case did not end: some call outstays its deadline".into())),
                }
            }
            Err(unmet) => Err(unmet),
        };
        results.push(CaseResult::new(case.title, outcome));
    }
    let _ = bed.reset().await;
    Report { subject, results }
}

/// Far more than any case takes whose calls end by their deadlines.
fn longest(lab: &Lab<'_>) -> Duration {
    let (caps, view) = (lab.caps(), lab.view_caps());
    let bounds = [caps.repair_within, caps.prerequisite_within, caps.catch_up_within]
        .into_iter()
        .chain([view.steady_within, view.detect_within, view.notify_within, view.collect_within])
        .fold(Duration::ZERO, Duration::saturating_add);
    Duration::from_secs(3600).saturating_add(bounds.saturating_mul(30)).min(Duration::from_secs(7 * 86400))
}
