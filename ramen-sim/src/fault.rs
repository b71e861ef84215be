//! Faults between a client and an API server: what may go wrong, when it does, and the schedule of a run.
//!
//! Three sources, all of which tell the timeline what they do:
//!
//! - [`Rule`]s that a test writes: the n-th matching request meets this [`Action`];
//! - [`Weather`]: each request may meet an action with a seeded probability, until a time after which all is fair (so
//!   that liveness can be checked);
//! - a [`Schedule`]: at this time this link is cut, that process crashes, a copy stalls. Drawn from a seed or written
//!   as a script; both print alike.
//!
//! They are applied by a tower service between `kube::Client` and the server: production code runs unmodified.

mod answer;
mod call;
mod rule;
mod schedule;
mod transit;
mod weather;

pub use answer::ApiError;
pub use call::Call;
pub use rule::{Action, Faults, Matcher, Rule};
pub use schedule::{Disturbance, Schedule, Terrain};
pub use transit::{AnswerAsOf, AnswerBody, Server, Transit, server};
pub use weather::Weather;

#[cfg(test)]
mod tests;
