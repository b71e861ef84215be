//! What a run of a kit tells.

use std::fmt::{self, Write as _};

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The promise was kept; what was seen.
    Kept(String),
    /// The promise was broken; what was seen instead.
    Broken(String),
    /// A declared capability excludes the case; why. Never counted as kept.
    NotApplicable(String),
    /// The test bed cannot bring about the situation; why. Never counted as kept.
    NotTried(String),
}

impl Verdict {
    /// The verdict in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Kept(_) => "kept",
            Self::Broken(_) => "BROKEN",
            Self::NotApplicable(_) => "not applicable",
            Self::NotTried(_) => "not tried",
        }
    }

    /// What was seen, or why nothing was.
    pub fn seen(&self) -> &str {
        match self {
            Self::Kept(seen) | Self::Broken(seen) | Self::NotApplicable(seen) | Self::NotTried(seen) => seen,
        }
    }
}

/// Why a case did not end in a kept promise. Cases return it with `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// The promise was broken.
    Broken(String),
    /// A declared capability excludes the case.
    NotApplicable(String),
    /// The test bed cannot do what the case needs.
    NotTried(String),
}

impl From<crate::intercluster::Failure> for Unmet {
    /// A call that had to succeed failed.
    fn from(failure: crate::intercluster::Failure) -> Self {
        Self::Broken(format!("a call that must succeed failed: {}: {failure}", failure.class()))
    }
}

/// How a case ends: with what was seen, or with why not.
pub type CaseOutcome = Result<String, Unmet>;

/// A case of a kit, as it is listed and reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseTitle {
    /// Its number, for example `T5`.
    pub id: &'static str,
    /// What is expected.
    pub promise: &'static str,
    /// What a user loses if the promise is broken.
    pub loses: &'static str,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// Which case.
    pub case: CaseTitle,
    /// What became of it.
    pub verdict: Verdict,
}

impl CaseResult {
    /// The result of a case that ended so.
    pub fn new(case: CaseTitle, outcome: CaseOutcome) -> Self {
        let verdict = match outcome {
            Ok(seen) => Verdict::Kept(seen),
            Err(Unmet::Broken(seen)) => Verdict::Broken(seen),
            Err(Unmet::NotApplicable(why)) => Verdict::NotApplicable(why),
            Err(Unmet::NotTried(why)) => Verdict::NotTried(why),
        };
        Self { case, verdict }
    }
}

impl fmt::Display for CaseResult {
    /// `T5 kept: expected ...; seen ...`, and for a broken promise what a user loses by it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CaseTitle { id, promise, loses } = self.case;
        match &self.verdict {
            Verdict::Kept(seen) => write!(f, "{id} kept: expected: {promise}; seen: {seen}"),
            Verdict::Broken(seen) => {
                write!(f, "{id} BROKEN: expected: {promise}; seen: {seen}; what is lost: {loses}")
            }
            other => write!(f, "{id} {} because {}; expected otherwise: {promise}", other.word(), other.seen()),
        }
    }
}

/// The results of a kit for one implementation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was tested: kit and implementation.
    pub subject: String,
    /// Case by case, in the order of the kit.
    pub results: Vec<CaseResult>,
}

impl Report {
    /// How many cases ended with this word of [`Verdict::word`].
    pub fn count(&self, word: &str) -> usize {
        self.results.iter().filter(|r| r.verdict.word() == word).count()
    }

    /// The broken promises.
    pub fn broken(&self) -> Vec<&CaseResult> {
        self.results.iter().filter(|r| matches!(r.verdict, Verdict::Broken(_))).collect()
    }

    /// Whether at least one promise was kept and none broken.
    pub fn is_green(&self) -> bool {
        self.broken().is_empty() && self.count("kept") > 0
    }

    /// The result of one case.
    pub fn case(&self, id: &str) -> Option<&CaseResult> {
        self.results.iter().find(|r| r.case.id == id)
    }

    /// One sentence with the counts.
    pub fn summary(&self) -> String {
        format!(
            "{}: {} kept, {} broken, {} not applicable, {} not tried",
            self.subject,
            self.count("kept"),
            self.count("BROKEN"),
            self.count("not applicable"),
            self.count("not tried"),
        )
    }

    /// A table in Markdown, fit for publication: it depends on nothing that differs between two runs.
    pub fn markdown(&self) -> String {
        let mut out =
            format!("### {}\n\n{}.\n\n| Case | Promise | Result |\n|---|---|---|\n", self.subject, self.summary());
        for CaseResult { case, verdict } in &self.results {
            let result = match verdict {
                Verdict::Kept(_) => "kept".to_owned(),
                other => format!("{}: {}", other.word(), other.seen().replace('|', "\\|").replace('\n', " ")),
            };
            let _ = writeln!(out, "| {} | {} | {result} |", case.id, case.promise);
        }
        out
    }
}

impl fmt::Display for Report {
    /// One line for each case, then the counts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for result in &self.results {
            writeln!(f, "{result}")?;
        }
        f.write_str(&self.summary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: CaseTitle = CaseTitle { id: "X1", promise: "it holds", loses: "data" };

    #[test]
    fn what_was_not_applicable_or_not_tried_never_counts_as_kept() {
        let outcomes = [
            Ok("fine".to_owned()),
            Err(Unmet::NotApplicable("it declares no bundles".into())),
            Err(Unmet::NotTried("the bed has no second hub".into())),
        ];
        let report =
            Report { subject: "kit".into(), results: outcomes.into_iter().map(|o| CaseResult::new(CASE, o)).collect() };
        assert_eq!(report.summary(), "kit: 1 kept, 0 broken, 1 not applicable, 1 not tried");
        assert!(report.is_green());
        assert!(report.markdown().contains("not applicable: it declares no bundles"));
    }

    #[test]
    fn a_broken_promise_says_what_a_user_loses() {
        let result = CaseResult::new(CASE, Err(Unmet::Broken("it does not".into())));
        assert_eq!(result.to_string(), "X1 BROKEN: expected: it holds; seen: it does not; what is lost: data");
        let report = Report { subject: "kit".into(), results: vec![result] };
        assert!(!report.is_green());
    }

    #[test]
    fn a_run_in_which_nothing_applied_is_not_green() {
        let result = CaseResult::new(CASE, Err(Unmet::NotTried("no".into())));
        assert!(!Report { subject: "kit".into(), results: vec![result] }.is_green());
    }
}
