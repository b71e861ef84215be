//! Cases for [`ObjectTransport`](crate::intercluster::ObjectTransport).

pub(super) mod apply;
pub(super) mod deletion;
pub(super) mod intent;
pub(super) mod ownership;
