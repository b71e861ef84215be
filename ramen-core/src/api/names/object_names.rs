//! Names of the objects we create, as functions of what they are made for; they must be equal to RamenDR's, whose
//! objects are found by name.
//!
//! Joining with `-` is ambiguous: application `a-b` in namespace `c` and application `a` in namespace `b-c` give one
//! name. The names are kept
//! all the same, and the owner's annotations or labels on the object tell whose it is; whoever writes must look at them
//! and refuse a clash.
//! No function checks lengths unless its formula does: Kubernetes refuses names that are too long where the object is
//! created.

pub mod fixed;
pub mod hub;
pub mod transport;
pub mod velero;
pub mod volrep;
pub mod volsync;
