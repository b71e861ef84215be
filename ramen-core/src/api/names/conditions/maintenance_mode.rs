//! Conditions of a MaintenanceMode, set by the storage vendor.

crate::api::names::names! {
    /// The storage is ready for a failover to this cluster; the hub waits for it to be True.
    FAILOVER_ACTIVATED = "FailoverActivated";
}
