//! Roles that need nothing but the hub's Kubernetes API. They live here once, for every transport.

mod placement;

pub use placement::KubePlacement;
