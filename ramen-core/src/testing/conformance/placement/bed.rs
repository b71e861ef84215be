//! What an implementor supplies to have a placement tested.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    intercluster::{Placement, PlacementRef},
    testing::conformance::BedError,
};

/// A hub with placements.
#[async_trait]
pub trait PlacementBed: fmt::Debug + Send + Sync {
    /// What is tested: heads the report.
    fn name(&self) -> String;

    /// Ends what is wrong. Placements of earlier cases may stay.
    async fn reset(&self) -> Result<(), BedError>;

    /// An instance as another process would have it; shares nothing but the hub with earlier ones.
    fn placement(&self) -> Result<Arc<dyn Placement>, BedError>;

    /// Creates a placement without decisions, for us to decide (`ours`) or driven by another scheduler.
    async fn create(&self, reference: &PlacementRef, ours: bool) -> Result<(), BedError>;

    /// Requests the deletion of a placement, as its user does.
    async fn delete(&self, reference: &PlacementRef) -> Result<(), BedError>;

    /// The clusters to which a GitOps controller deploys now, in the order of the list.
    async fn decisions(&self, reference: &PlacementRef) -> Result<Vec<String>, BedError>;

    /// How many writes the hub has seen.
    async fn writes(&self) -> Result<u64, BedError>;

    /// Cuts the hub off, or ends that.
    async fn cut(&self, cut: bool) -> Result<(), BedError> {
        Err(BedError::unable(format_args!("cut the hub off ({cut})")))
    }

    /// Lets this much time pass. The default sleeps, which under a paused tokio clock takes none.
    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Within this time a change is told.
    fn told_within(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// What a deadline may be exceeded by because the machine is busy; zero in virtual time.
    fn slack(&self) -> Duration {
        Duration::ZERO
    }
}
