//! What the kits for one role have in common: a case works on the implementor's bed, and the cases run one after the other.

use std::{fmt, time::Duration};

use futures::future::LocalBoxFuture;

use super::report::{CaseOutcome, CaseResult, CaseTitle, Report, Unmet};

/// No case takes longer whose calls end by their deadlines.
const LONGEST: Duration = Duration::from_secs(1800);

/// A case of the kit whose test beds are `B`.
pub struct KitCase<B: ?Sized + 'static> {
    /// What is listed.
    pub title: CaseTitle,
    pub(super) run: for<'a> fn(&'a B, &'static str) -> LocalBoxFuture<'a, CaseOutcome>,
}

impl<B: ?Sized + 'static> Clone for KitCase<B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: ?Sized + 'static> Copy for KitCase<B> {}

impl<B: ?Sized + 'static> fmt::Debug for KitCase<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.title.fmt(f)
    }
}

/// Lists the cases of a kit: its lab, then for each number, promise, what is lost without it, and the function that tries it.
macro_rules! kit_cases {
    ($lab:ident; $($id:literal: $promise:literal, $loses:literal, $run:path;)*) => {
        &[$($crate::testing::conformance::kit::KitCase {
            title: $crate::testing::conformance::CaseTitle { id: $id, promise: $promise, loses: $loses },
            run: |bed, id| Box::pin(async move { $run(&$lab::set_up(bed, id).await?).await }),
        }),*]
    };
}
pub(super) use kit_cases;

/// Runs those cases whose number is among `ids`; all of them if `ids` is `None`.
pub(super) async fn run<B: ?Sized + 'static>(
    subject: String,
    bed: &B,
    cases: impl IntoIterator<Item = KitCase<B>>,
    ids: Option<&[&str]>,
) -> Report {
    let mut results = Vec::new();
    for case in cases.into_iter().filter(|case| ids.is_none_or(|ids| ids.contains(&case.title.id))) {
        let outcome = match tokio::time::timeout(LONGEST, (case.run)(bed, case.title.id)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Unmet::Broken("the case did not end: some call outstays its deadline".into())),
        };
        results.push(CaseResult::new(case.title, outcome));
    }
    Report { subject, results }
}
