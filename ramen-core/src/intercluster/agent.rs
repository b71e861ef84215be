//! The one engine of delivery and observation.
//!
//! It takes intents from a [`RecordStore`], brings clusters to that state over the clients that a [`ClusterAccess`] hands out,
//! keeps them there, confirms deletions, and reports. [`RecordTransport`] turns any store into an
//! [`ObjectTransport`](super::ObjectTransport), [`Observer`] turns any access into a [`ClusterView`](super::ClusterView):
//! whoever can keep records durably (objects on the hub, files in a folder, an object store) has a transport with a thin
//! adapter. The engine runs where the clusters are reachable from: beside the hub, or on the cluster itself.
//!
//! | Piece | Role |
//! |---|---|
//! | [`RecordStore`] | durable records: put with a precondition, read, request a deletion, finish it, report, watch |
//! | [`ClusterAccess`] | a client for each cluster whose identity is verified and whose liveness is known |
//! | [`Agent`] | delivers records, repairs drift, confirms deletions |
//! | [`Observer`] | reads objects, keeps registered ones fresh, notifies |
//! | [`RecordTransport`] | the contract of delivery on top of records |
//!
//! # How two overlapping leaders never interleave
//! Every delivered object carries the revision that it is at. A pass reads the object, compares the revision, and writes under
//! the resource version that it read; an object that does not exist is created by a request that fails if it exists by then.
//! A leader with an outdated record therefore either sees the newer revision and stops, or its write is refused.

mod access;
mod apply;
mod classify;
mod compare;
mod deliver;
mod engine;
mod index;
mod marks;
mod observe;
mod queue;
mod rank;
mod release;
mod remote;
mod replace;
mod settings;
mod signals;
mod store;
mod sync;
mod transport;
mod watch;

pub use access::{ClusterAccess, LinkState};
pub use engine::Agent;
pub use marks::{HubId, Mark, OWNERSHIP_LABEL};
pub use observe::Observer;
pub use remote::{Patch, Remote, Trouble};
pub use settings::{AgentSettings, ObserverSettings};
pub use signals::{Signals, Subscription};
pub use store::{RecordStore, Report, StoreLimits, StoredRecord};
pub use transport::RecordTransport;
pub(crate) use transport::is_dns_subdomain;
pub use watch::{Follow, Sink};
