//! Wall clock of a simulated world: a fixed epoch plus tokio's time, so that a paused runtime makes it virtual.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The instant at which every simulated world begins: 2030-01-01T00:00:00Z. It lies ahead of any real date, so that a
/// timestamp which leaked in from the machine's own clock is seen at a glance (and sorts before every simulated one).
pub const EPOCH: Timestamp = Timestamp::constant(1_893_456_000, 0);

/// Tells the time of a world, or of one cluster whose clock is wrong by a fixed amount.
///
/// Time moves with [`tokio::time`]: under a paused runtime it stands still until every task waits.
///
/// ```
/// use std::time::Duration;
/// use ramen_sim::clock::{Clock, EPOCH};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let clock = Clock::start();
/// tokio::time::sleep(Duration::from_secs(3600)).await;
/// assert_eq!(clock.now(), EPOCH + Duration::from_secs(3600));
/// # });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    skew: SignedDuration,
}

impl Clock {
    /// A clock that shows [`EPOCH`] at this moment. Must be called inside a tokio runtime when its time is paused.
    pub fn start() -> Self {
        Self { origin: Instant::now(), skew: SignedDuration::ZERO }
    }

    /// The same clock seen from a machine whose time is ahead (positive) or behind (negative).
    #[must_use]
    pub fn skewed(self, skew: SignedDuration) -> Self {
        Self { skew, ..self }
    }

    /// The date and time that this clock shows.
    pub fn now(&self) -> Timestamp {
        EPOCH + self.elapsed() + self.skew
    }

    /// Time since the world began, the same for every clock of a world whatever its skew.
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_skewed_clock_differs_in_date_and_not_in_elapsed_time() {
        let clock = Clock::start();
        let behind = clock.skewed(SignedDuration::from_hours(-2));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(clock.elapsed(), behind.elapsed());
        assert_eq!(clock.now() - SignedDuration::from_hours(2), behind.now());
    }
}
