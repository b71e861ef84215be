//! A Kubernetes API in process, simulated storage and GitOps, virtual time and seeded faults, for tests of disaster recovery.
