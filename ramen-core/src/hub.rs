//! What the hub decides. Pure: no async, no client, no clock, no randomness; time comes in with the observation.
//!
//! One room a controller; [`application`] is the one of DRPlacementControl.

pub mod application;
