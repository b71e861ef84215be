//! Condition types and reasons, one file a kind. Types are bare constants, reasons begin with `REASON_`.
//!
//! Who sets a condition, and when, is said at each; the rules themselves live with the decisions. Two rules hold for
//! all: on a DRPC the *order*
//! of the conditions is part of the API (a printer column reads the second), and an `observedGeneration` never
//! decreases.

pub mod drcluster;
pub mod drclusterconfig;
pub mod drpc;
pub mod drpolicy;
pub mod group_sync;
pub mod maintenance_mode;
pub mod pvc;
pub mod vrg;
