//! What crosses crates: scenarios, conformance runs, real servers.
