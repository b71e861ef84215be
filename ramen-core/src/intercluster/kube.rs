//! Roles that need nothing but Kubernetes APIs. They live here once, for every transport.

mod placement;
mod secrets;

pub use placement::KubePlacement;
pub use secrets::KubeSecrets;
