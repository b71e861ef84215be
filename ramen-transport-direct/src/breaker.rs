//! When a cluster that does not answer is asked again.

use std::time::Duration;

/// First delay after a cluster was lost.
const FIRST: Duration = Duration::from_secs(5);
/// Longest delay.
pub(crate) const MOST: Duration = Duration::from_secs(60);

/// Delays between probes of a lost cluster: 5 s doubling to 60 s, each shortened at random by up to a quarter, so that clusters
/// that were lost together are not all asked together.
///
/// The random numbers come from a seed: the same seed gives the same delays.
#[derive(Debug)]
pub(crate) struct Backoff {
    random: u64,
    attempt: u32,
}

impl Backoff {
    /// Delays of the cluster of this name.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a: clusters of one seed get streams of their own.
        let hash =
            name.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self { random: seed ^ hash, attempt: 0 }
    }

    /// The cluster answered.
    pub(crate) fn reset(&mut self) {
        self.attempt = 0;
    }

    /// How long to wait before the next probe.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.attempt.min(8)).min(MOST);
        self.attempt += 1;
        let part = u32::try_from(self.draw() % 1000).unwrap_or(0);
        whole - whole / 4 * part / 1000
    }

    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_cluster_is_asked_ever_less_often_but_at_least_once_a_minute() {
        let mut backoff = Backoff::new(1, "dr1");
        for whole in [5, 10, 20, 40, 60, 60] {
            let delay = backoff.next();
            assert!(delay <= Duration::from_secs(whole) && delay >= Duration::from_secs(whole) * 3 / 4, "{delay:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }

    #[test]
    fn clusters_lost_together_are_not_asked_together_and_a_seed_repeats() {
        let delays = |seed, name: &str| {
            let mut backoff = Backoff::new(seed, name);
            [backoff.next(), backoff.next()]
        };
        assert_ne!(delays(1, "dr1"), delays(1, "dr2"));
        assert_eq!(delays(7, "dr1"), delays(7, "dr1"));
    }
}
