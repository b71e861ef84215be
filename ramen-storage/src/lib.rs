//! Where cluster data is kept, and how volumes are replicated: the implementations of `ramen_core::protection` for S3 and
//! csi-addons.
//!
//! | Room | What |
//! |---|---|
//! | [`cluster_data`] | [`ClusterDataStore`](ramen_core::protection::cluster_data::ClusterDataStore) over any `object_store` |
//! | [`replication`] | [`ReplicationDriver`](ramen_core::protection::replication::ReplicationDriver): csi-addons VolumeReplication, and none for storage that both clusters see |

pub mod cluster_data;
pub mod replication;
