//! Definitions of the kinds that the world around needs and that are not ours: replication, fencing, placement
//! decisions.
//!
//! They carry what the originals' schemas mean for a controller: scope, status, required and immutable fields.
//! Everything else passes unpruned.

use serde_json::{Value, json};

/// The kinds of csi-addons: volume and group replication with their classes, and network fences.
pub fn csi_addons() -> Vec<Value> {
    const REPLICATION: &str = "replication.storage.openshift.io";
    const FENCING: &str = "csiaddons.openshift.io";
    vec![
        Definition::new(REPLICATION, "v1alpha1", "VolumeReplication", "volumereplications", Some("vr"))
            .required(&["autoResync", "dataSource", "replicationState", "volumeReplicationClass"])
            .immutable(&["volumeReplicationClass:string", "dataSource:object"])
            .build(),
        Definition::new(REPLICATION, "v1alpha1", "VolumeReplicationClass", "volumereplicationclasses", Some("vrc"))
            .cluster()
            .required(&["provisioner"])
            .immutable(&["provisioner:string", "parameters:object"])
            .build(),
        Definition::new(REPLICATION, "v1alpha1", "VolumeGroupReplication", "volumegroupreplications", Some("vgr"))
            .required(&["autoResync", "replicationState", "source", "volumeGroupReplicationClassName"])
            .immutable(&[
                "volumeGroupReplicationClassName:string",
                "volumeReplicationClassName:string",
                "volumeReplicationName:string",
                "volumeGroupReplicationContentName:string",
                "source:object",
            ])
            .build(),
        Definition::new(
            REPLICATION,
            "v1alpha1",
            "VolumeGroupReplicationClass",
            "volumegroupreplicationclasses",
            Some("vgrclass"),
        )
        .cluster()
        .required(&["provisioner"])
        .immutable(&["provisioner:string", "parameters:object"])
        .build(),
        Definition::new(
            REPLICATION,
            "v1alpha1",
            "VolumeGroupReplicationContent",
            "volumegroupreplicationcontents",
            Some("vgrcontent"),
        )
        .cluster()
        .required(&["provisioner", "source", "volumeGroupReplicationClassName"])
        .immutable(&["volumeGroupAttributes:object"])
        .build(),
        Definition::new(FENCING, "v1alpha1", "NetworkFence", "networkfences", None)
            .cluster()
            .required(&["cidrs"])
            .build(),
        Definition::new(FENCING, "v1alpha1", "NetworkFenceClass", "networkfenceclasses", None).cluster().build(),
    ]
}

/// What a hub needs for a GitOps agent to follow: Placement and PlacementDecision of Open Cluster Management.
pub fn placement() -> Vec<Value> {
    const CLUSTERS: &str = "cluster.open-cluster-management.io";
    vec![
        Definition::new(CLUSTERS, "v1beta1", "Placement", "placements", None).build(),
        Definition::new(CLUSTERS, "v1beta1", "PlacementDecision", "placementdecisions", None).build(),
    ]
}

struct Definition {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: Option<&'static str>,
    scope: &'static str,
    required: Vec<&'static str>,
    properties: serde_json::Map<String, Value>,
}

impl Definition {
    fn new(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
        short: Option<&'static str>,
    ) -> Self {
        let (required, properties) = (Vec::new(), serde_json::Map::new());
        Self { group, version, kind, plural, short, scope: "Namespaced", required, properties }
    }

    fn cluster(self) -> Self {
        Self { scope: "Cluster", ..self }
    }

    fn required(self, fields: &[&'static str]) -> Self {
        Self { required: fields.to_vec(), ..self }
    }

    /// Fields of the spec that never change once set, as `name:type`.
    fn immutable(mut self, fields: &[&str]) -> Self {
        for (name, kind) in fields.iter().filter_map(|field| field.split_once(':')) {
            let mut schema = json!({
                "type": kind, "x-kubernetes-validations": [{ "rule": "self == oldSelf", "message": format!("{name} is immutable") }],
            });
            if kind == "object" {
                schema["x-kubernetes-preserve-unknown-fields"] = json!(true);
            }
            self.properties.insert(name.to_owned(), schema);
        }
        self
    }

    fn build(self) -> Value {
        let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        let mut spec = open.clone();
        spec["properties"] = Value::Object(self.properties);
        if !self.required.is_empty() {
            spec["required"] = json!(self.required);
        }
        let schema = json!({ "type": "object", "properties": { "spec": spec, "status": open } });
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{}.{}", self.plural, self.group) },
            "spec": {
                "group": self.group, "scope": self.scope,
                "names": {
                    "kind": self.kind, "plural": self.plural, "singular": self.kind.to_lowercase(), "listKind": format!("{}List", self.kind),
                    "shortNames": self.short.into_iter().collect::<Vec<_>>(),
                },
                "versions": [{
                    "name": self.version, "served": true, "storage": true, "subresources": { "status": {} },
                    "schema": { "openAPIV3Schema": schema },
                }],
            },
        })
    }
}
