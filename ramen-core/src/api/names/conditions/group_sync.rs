//! Conditions of ReplicationGroupSource and ReplicationGroupDestination, set by their controllers as VolSync sets its
//! own.

crate::api::names::names! {
    /// Whether a sync runs; the reason says why not.
    SYNCHRONIZING = "Synchronizing";

    /// True: a sync runs.
    REASON_SYNC_IN_PROGRESS = "SyncInProgress";
    /// False: the schedule is not due.
    REASON_WAITING_FOR_SCHEDULE = "WaitingForSchedule";
    /// False: the manual trigger has not changed.
    REASON_WAITING_FOR_MANUAL = "WaitingForManual";
    /// False: the last sync is being cleaned up.
    REASON_CLEANING_UP = "CleaningUp";
    /// False: the message says what failed.
    REASON_ERROR = "Error";
}
