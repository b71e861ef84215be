//! Seeded random faults of requests.

use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64;

use super::{answer::ApiError, call::Call, rule::Action};
use crate::entropy::Entropy;

/// Lets each request meet a fault with some probability, until a time. A given seed and sequence of requests meet the
/// same faults.
///
/// What it draws is fair: a fault that no client can recover from without a deadline of its own (a lost answer) is left
/// out unless asked for.
#[derive(Clone, Debug)]
pub struct Weather {
    rng: Pcg64,
    per_mille: u32,
    until: Duration,
    losses: bool,
    crashes: bool,
}

impl Weather {
    /// Of a thousand requests `per_mille` meet a fault, until the virtual time `until`.
    pub fn new(entropy: &Entropy, per_mille: u32, until: Duration) -> Self {
        Self { rng: entropy.stream("weather"), per_mille, until, losses: false, crashes: false }
    }

    /// Also loses answers altogether: for code that gives each of its requests a deadline.
    #[must_use]
    pub fn with_losses(self) -> Self {
        Self { losses: true, ..self }
    }

    /// Also crashes the process before or after a request: for processes that are started again.
    #[must_use]
    pub fn with_crashes(self) -> Self {
        Self { crashes: true, ..self }
    }

    pub(super) fn draw(&mut self, call: &Call, now: Duration) -> Option<Action> {
        if now >= self.until || self.rng.random_range(0..1000) >= self.per_mille {
            return None;
        }
        let seconds = Duration::from_secs(self.rng.random_range(1..30));
        let mut choices = vec![
            Action::Refuse(ApiError::TooManyRequests(Duration::from_secs(1 + seconds.as_secs() % 5))),
            Action::Refuse(ApiError::Internal),
            Action::Refuse(ApiError::Unavailable),
            Action::Delay(seconds / 4),
        ];
        if call.is_write() {
            choices.extend([
                Action::RefuseAfterApply(ApiError::Timeout),
                Action::RefuseAfterApply(ApiError::Internal),
                Action::BreakAfterApply,
            ]);
            if call.is_read_modify_write() {
                choices.push(Action::Refuse(ApiError::Conflict));
            }
        } else if call.verb == "watch" {
            choices.extend([Action::LateEvents(seconds), Action::DropWatch(self.rng.random_range(0..5))]);
        } else {
            choices.push(Action::Stale(seconds));
        }
        if self.losses {
            choices.push(Action::LoseAnswer);
        }
        if self.crashes {
            choices.extend([Action::CrashBefore, Action::CrashAfter]);
        }
        let index = self.rng.random_range(0..choices.len());
        choices.get(index).copied()
    }
}
