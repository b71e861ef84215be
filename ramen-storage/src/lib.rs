//! Cluster data stores and replication drivers for ramen-core.
