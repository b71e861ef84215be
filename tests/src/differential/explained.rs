//! Differences that are known and stay, each explained in docs/simulator.md under the same heading.

use super::operation::Step;
use super::run::Mismatch;

/// A difference that is no failure.
#[derive(Clone, Copy, Debug)]
pub struct Explained {
    /// The heading in docs/simulator.md.
    pub heading: &'static str,
    /// Whether these mismatches of a step's answers are that difference and nothing else.
    applies: fn(&Step, &[Mismatch]) -> bool,
}

/// All of them.
pub const EXPLAINED: &[Explained] = &[Explained {
    heading: "The first update of a PersistentVolumeClaim that changes nothing",
    applies: |step, mismatches| {
        step.kind.kind == "PersistentVolumeClaim"
            && matches!(mismatches, [only] if only.path == ".body.metadata.resourceVersion")
    },
}];

/// The heading under which a difference is explained.
#[must_use]
pub fn explained(step: &Step, mismatches: &[Mismatch]) -> Option<&'static str> {
    EXPLAINED.iter().find(|known| (known.applies)(step, mismatches)).map(|known| known.heading)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A difference that the test forgives and the documentation does not mention would mislead whoever trusts both.
    #[test]
    fn every_forgiven_difference_is_documented() {
        let text = include_str!("../../../docs/simulator.md");
        for known in EXPLAINED {
            assert!(text.contains(&format!("\n### {}\n", known.heading)), "{}", known.heading);
        }
    }
}
