//! Delivery and observation over kubeconfigs, measured on real API servers beside plain server-side applies.

mod delivery;
mod load;
mod memory;
mod objects;
mod observation;
mod world;

use std::time::Duration;

use super::Measure;

pub use delivery::one_by_one as delivery_latency;
pub use load::{Load, many};
pub use memory::{Watched, watch as watch_for_memory, watched_memory};
pub use observation::latency as observation_latency;
pub use world::{Running, World};

/// Median and 99th percentile, in milliseconds.
fn spread(name: &str, mut samples: Vec<Duration>) -> Vec<Measure> {
    samples.sort();
    let at = |percent: usize| {
        let rank = (samples.len() * percent).div_ceil(100).saturating_sub(1);
        samples.get(rank).map_or(f64::NAN, Duration::as_secs_f64) * 1e3
    };
    let measure = |what: &str, percent| Measure { name: format!("{name}: {what}"), unit: "ms", value: at(percent) };
    vec![measure("median", 50), measure("p99", 99)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wrong rank would publish the best of the slow ones as the slowest.
    #[test]
    fn the_99th_of_100_samples_is_the_second_slowest() {
        let spread = spread("x", (1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!((spread[0].value, spread[1].value), (50.0, 99.0));
    }
}
