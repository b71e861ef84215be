//! Disaster recovery of stateful Kubernetes applications: API kinds, the Inter-Cluster State API, the decisions and the engine that runs them.
