//! What an implementor supplies to have a store tested.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;

use crate::{protection::cluster_data::ClusterDataStore, testing::conformance::BedError};

/// Something that goes wrong between every writer and one store, until [`ClusterDataBed::heal`]. The bed's own access to the
/// objects is not affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreFault {
    /// Every request is refused, as by a store that is gone.
    Dead,
    /// No request is ever answered.
    Silent,
    /// Writes and deletions take place, and their answers are lost. Reads are answered.
    LosesAnswers,
    /// A write of a key that ends with this fails and does not take place. All else works.
    RefusesKey(String),
    /// A write of a key that ends with this waits on its way until the store is healed, and takes place then. All else works.
    HoldsKey(String),
}

/// Two separate stores, writers to them, and everything that can happen to them.
///
/// The stores are empty when a run begins; what one case leaves does not disturb another, each has a namespace of its own.
/// In virtual time (a paused tokio clock) a run takes less than a second.
#[async_trait]
pub trait ClusterDataBed: fmt::Debug + Send + Sync {
    /// What is tested: heads the report.
    fn name(&self) -> String;

    /// How many stores there are. With one, the cases about several are reported as not tried.
    fn stores(&self) -> usize {
        2
    }

    /// Whether the store itself, apart from what the implementation found out, lets a write depend on what is stored.
    fn conditional_writes(&self) -> bool;

    /// Opens a store for a writer (a cluster's name), as another process on another cluster would: nothing is shared with what
    /// was opened before. Not probed yet.
    async fn open(&self, store: usize, writer: &str) -> Result<Arc<dyn ClusterDataStore>, BedError>;

    /// Makes something go wrong, besides what already is wrong.
    async fn inflict(&self, store: usize, fault: StoreFault) -> Result<(), BedError>;

    /// Ends everything that is wrong with a store.
    async fn heal(&self, store: usize) -> Result<(), BedError>;

    /// How many writes wait because of [`StoreFault::HoldsKey`].
    async fn held(&self, store: usize) -> Result<usize, BedError> {
        Err(BedError::unable(format_args!("hold writes to store {store}")))
    }

    /// Stores an object as a writer does that knows no epochs (upstream's): the whole key, and the body in its encoding.
    async fn write_as_ramen(&self, store: usize, key: &str, object: &Value) -> Result<(), BedError>;

    /// Reads and decodes an object as upstream does; `None` if the store has no such key.
    async fn read_as_ramen(&self, store: usize, key: &str) -> Result<Option<Value>, BedError>;

    /// Replaces the body of a key by something that cannot be decoded.
    async fn damage(&self, store: usize, key: &str) -> Result<(), BedError>;

    /// Lets this much time pass. The default sleeps, which under a paused tokio clock takes none.
    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// What a deadline may be exceeded by because the machine is busy; zero in virtual time.
    fn slack(&self) -> Duration {
        Duration::ZERO
    }

    /// Credentials that writers use, in the form in which they could appear in a message.
    fn credentials(&self) -> Vec<String> {
        Vec::new()
    }
}
