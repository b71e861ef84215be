//! Cases for [`ClusterView`](crate::intercluster::ClusterView).

pub(super) mod content;
pub(super) mod notice;
pub(super) mod reading;
pub(super) mod registration;
