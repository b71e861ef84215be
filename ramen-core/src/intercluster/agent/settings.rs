//! How patient the engine is.

use std::time::Duration;

/// Times and bounds of the [`Agent`](super::Agent).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSettings {
    /// The longest that one request to a cluster may take.
    pub request_timeout: Duration,
    /// Intents of one cluster that are worked on at once.
    pub per_cluster: usize,
    /// Every delivered object is looked at after this time, also without a notification.
    pub recheck: Duration,
    /// First delay after a failure that may pass by itself; doubles up to `retry_most`.
    pub retry_first: Duration,
    /// Longest such delay.
    pub retry_most: Duration,
    /// Delay after a failure that takes an operator or another object.
    pub retry_slow: Duration,
    /// Silence of a watch after which it is taken for dead: two intervals in which servers send bookmarks.
    pub watch_silence: Duration,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(15),
            per_cluster: 16,
            recheck: Duration::from_secs(150),
            retry_first: Duration::from_secs(1),
            retry_most: Duration::from_secs(30),
            retry_slow: Duration::from_secs(10),
            watch_silence: Duration::from_secs(150),
        }
    }
}

impl AgentSettings {
    /// Within which time a remote edit is repaired at the latest, declared with some room for the pass itself.
    pub fn repair_within(&self) -> Duration {
        self.recheck + self.request_timeout * 2
    }

    /// Within which time a missing prerequisite is noticed.
    pub fn prerequisite_within(&self) -> Duration {
        self.retry_slow + self.request_timeout * 2
    }
}

/// Times and bounds of the [`Observer`](super::Observer).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObserverSettings {
    /// The longest that one request to a cluster may take.
    pub request_timeout: Duration,
    /// Live reads of one cluster at once; more wait for their deadline and are `Throttled`.
    pub live_reads: usize,
    /// Largest object that is returned, in bytes of JSON.
    pub max_object_bytes: usize,
    /// Silence of a watch after which it is taken for dead.
    pub watch_silence: Duration,
    /// Longest delay before a lost watch is tried again.
    pub retry_most: Duration,
}

impl Default for ObserverSettings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(15),
            live_reads: 64,
            max_object_bytes: 1_000_000,
            watch_silence: Duration::from_secs(150),
            retry_most: Duration::from_secs(10),
        }
    }
}
