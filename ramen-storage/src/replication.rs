//! Drivers that replicate volumes, or know why nothing needs to be replicated.

mod gates;
mod none;
mod volume_replication;

pub use none::NoReplication;
pub use volume_replication::VolumeReplication;
