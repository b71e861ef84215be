//! How long to wait after failures.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Delays that double from `first` to `longest`, each shortened by up to a quarter at random, so that keys that failed together
/// do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The delay after the first failure.
    pub first: Duration,
    /// No delay is longer.
    pub longest: Duration,
}

impl Default for Backoff {
    /// From half a second to a minute.
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The delay after so many failures in a row (one or more).
    pub fn after(&self, failures: u32, rng: &mut impl Rng) -> Duration {
        let doubled = self.first.saturating_mul(1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.longest).mul_f64(rng.random_range(0.75..=1.0))
    }
}
