//! Drivers that replicate volumes, or know why nothing needs to be replicated.

mod gates;
mod none;

pub use none::NoReplication;
