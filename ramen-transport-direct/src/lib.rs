//! Inter-cluster transport over plain kubeconfigs: no Open Cluster Management, no agent on the clusters.
//!
//! [`DirectTransport`] keeps intents as ManifestWork records on the hub, so that an unmodified Ramen hub may write them, and
//! delivers them by server-side apply; it observes objects through shared watches and live reads. Kubeconfigs come from labelled
//! Secrets of the hub, from files, or from a [`Connector`] of your own.
//!
//! Each cluster has a path of its own: connected, its identity verified at every probe, given up as soon as it does not answer and
//! asked again after 5 to 60 seconds. A cluster that is down costs the others nothing.

mod breaker;
mod connector;
mod direct;
mod identity;
mod kubeconfig;
mod link;
mod links;
mod sources;
mod works;

pub use connector::Connector;
pub use direct::{DirectTransport, DirectTransportBuilder};
pub use identity::IDENTITIES;
pub use kubeconfig::KubeconfigPolicy;
pub use sources::{KUBECONFIG_KEY, KUBECONFIG_LABEL};

/// The CustomResourceDefinition of ManifestWork, in YAML, for a hub on which Open Cluster Management is not installed.
///
/// Where OCM is installed its own definition serves, and must not be replaced by this one.
pub const MANIFEST_WORK_CRD: &str = include_str!("crd/manifestworks.yaml");
