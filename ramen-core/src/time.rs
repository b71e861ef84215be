//! Where time comes from.
//!
//! Nothing in this project reads the machine's clock by itself: whoever needs the time of day is given a [`Clock`], whoever
//! needs to wait uses `tokio::time`. A test that pauses tokio's time therefore controls both.

use std::{fmt::Debug, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time of day.
///
/// # Guarantees
/// Two calls in a row never go backwards by more than the underlying clock does; no decision of this library compares
/// times that were taken on two different clusters.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time of day now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that starts at a chosen moment and runs with tokio's time, so that it stands still or jumps with it when a test
/// pauses or advances tokio's time.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    base: Timestamp,
    started: Instant,
}

impl TokioClock {
    /// A clock that shows `base` now.
    pub fn starting_at(base: Timestamp) -> Self {
        Self { base, started: Instant::now() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.base.checked_add(self.started.elapsed()).unwrap_or(Timestamp::MAX)
    }
}

/// The moment until which the caller of an operation is willing to wait.
///
/// Every call that crosses a process boundary takes one. It is absolute, so that an operation made of several steps hands
/// the same deadline on instead of granting each step the whole time again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline that lies `timeout` from now.
    pub fn after(timeout: Duration) -> Self {
        let now = Instant::now();
        // tokio itself treats instants decades away as "never"; the same bound keeps the addition from overflowing.
        Self(now.checked_add(timeout).unwrap_or_else(|| now + Duration::from_secs(86400 * 365 * 30)))
    }

    /// How much time is left; zero once the deadline has passed.
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether the deadline has passed.
    pub fn has_passed(&self) -> bool {
        self.remaining().is_zero()
    }

    /// The earlier of this deadline and the one that lies `timeout` from now.
    #[must_use]
    pub fn at_most(&self, timeout: Duration) -> Self {
        (*self).min(Self::after(timeout))
    }

    /// The instant itself, for `tokio::time::timeout_at`.
    pub fn instant(&self) -> Instant {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_step_of_an_operation_is_not_granted_the_whole_time_again() {
        let whole = Deadline::after(Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(8)).await;
        assert_eq!(whole.at_most(Duration::from_secs(5)).remaining(), Duration::from_secs(2));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(whole.has_passed());
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_a_test_moves_with_the_time_of_the_test() {
        let base = Timestamp::from_second(1_700_000_000).unwrap();
        let clock = TokioClock::starting_at(base);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(clock.now(), base + Duration::from_secs(3600));
    }

    #[tokio::test]
    async fn a_deadline_of_all_time_does_not_overflow() {
        assert!(!Deadline::after(Duration::MAX).has_passed());
    }
}
