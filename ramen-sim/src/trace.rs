//! What happened in a run, in order: one line for each request, fault, storage event and step.
//!
//! The trace has two readers. A person reads [`Trace::timeline`] of a failing seed. A test compares [`Trace::digest`]
//! of two runs of one seed: equal digests mean that the runs were equal to the byte, unequal ones mean that some
//! entropy is not closed.

use std::{fmt::Write as _, time::Duration};

use sha2::{Digest, Sha256};

use crate::{clock::Clock, shared::Shared};

/// What sort of thing an [`Entry`] tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A request to an API server and its outcome.
    Request,
    /// A fault that was injected, or healed.
    Fault,
    /// A crash or a start of a process.
    Process,
    /// Something the storage system did.
    Storage,
    /// Something a pod or a node did.
    Workload,
    /// A step of the scenario itself.
    Step,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Fault => "FAULT",
            Self::Process => "process",
            Self::Storage => "storage",
            Self::Workload => "workload",
            Self::Step => "STEP",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Virtual time since the world began.
    pub at: Duration,
    /// What sort of thing.
    pub kind: Kind,
    /// Who did it, or whom it befell.
    pub actor: String,
    /// What, for a person.
    pub text: String,
}

impl Entry {
    /// The entry as one line of a timeline.
    pub fn line(&self) -> String {
        let seconds = self.at.as_secs();
        let (h, m, s, ms) = (seconds / 3600, seconds / 60 % 60, seconds % 60, self.at.subsec_millis());
        format!("{h:02}:{m:02}:{s:02}.{ms:03}  {:<8}  {:<28}  {}", self.kind.label(), self.actor, self.text)
    }
}

/// The record of a run. Clones share it.
#[derive(Clone, Debug)]
pub struct Trace {
    clock: Clock,
    entries: Shared<Vec<Entry>>,
}

impl Trace {
    /// An empty trace whose times come from `clock`.
    pub fn new(clock: Clock) -> Self {
        Self { clock, entries: Shared::new(Vec::new()) }
    }

    /// Records that something happened now. Line breaks in the text are made visible: an entry is always one line.
    pub fn record(&self, kind: Kind, actor: impl Into<String>, text: impl AsRef<str>) {
        let text = text.as_ref().replace('\n', "\\n");
        let entry = Entry { at: self.clock.elapsed(), kind, actor: actor.into(), text };
        tracing::trace!(target: "ramen_sim", "{}", entry.line());
        self.entries.with(|entries| entries.push(entry));
    }

    /// Records a step of the scenario, so that a reader of the timeline knows where the test was.
    pub fn step(&self, text: impl AsRef<str>) {
        self.record(Kind::Step, "scenario", text);
    }

    /// How much was recorded so far.
    pub fn len(&self) -> usize {
        self.entries.with(|entries| entries.len())
    }

    /// Whether nothing was recorded yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of everything recorded so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.with(|entries| entries.clone())
    }

    /// The whole record, a line for each entry.
    pub fn timeline(&self) -> String {
        self.tail(usize::MAX)
    }

    /// The last `count` lines of the timeline, preceded by how many lines were left out.
    pub fn tail(&self, count: usize) -> String {
        self.entries.with(|entries| {
            let skipped = entries.len().saturating_sub(count);
            let mut out = String::new();
            if skipped > 0 {
                // Writing into a String cannot fail.
                let _ = writeln!(out, "… {skipped} earlier lines");
            }
            for entry in entries.iter().skip(skipped) {
                let _ = writeln!(out, "{}", entry.line());
            }
            out
        })
    }

    /// A fingerprint of the timeline: equal exactly when two timelines are equal byte for byte.
    pub fn digest(&self) -> String {
        Sha256::digest(self.timeline()).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_tells_when_what_who_and_never_breaks() {
        let trace = Trace::new(Clock::start());
        tokio::time::sleep(Duration::from_millis(3_661_007)).await;
        trace.record(Kind::Fault, "hub -> dr1", "cut\nat once");
        assert_eq!(trace.timeline(), "01:01:01.007  FAULT     hub -> dr1                    cut\\nat once\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_tail_says_how_much_is_missing() {
        let trace = Trace::new(Clock::start());
        for step in 0..5 {
            trace.step(format!("{step}"));
        }
        assert!(trace.tail(2).starts_with("… 3 earlier lines\n"));
        assert_eq!(trace.tail(2).lines().count(), 3);
    }
}
