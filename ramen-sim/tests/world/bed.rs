//! A hub and two clusters on two arrays that replicate every minute, and short ways to use them.

use std::time::Duration;

use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use ramen_sim::{
    controllers::kit::{Fields, Kind},
    storage::{ArrayConfig, LinkConfig},
    world::{Cluster, World},
};
use serde_json::{Value, json};

pub(crate) const DRIVER: &str = "block.example.com";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) struct Bed {
    pub(crate) world: World,
    pub(crate) dr1: Cluster,
    pub(crate) dr2: Cluster,
}

/// The two clusters, with a storage class and a replication class each, and namespace `app`.
pub(crate) async fn bed(world: &World) -> Bed {
    world.storage().with(|storage| {
        for (array, cluster, address) in [("east", "dr1", "10.1.0.1"), ("west", "dr2", "10.2.0.1")] {
            storage
                .add_array(array, ArrayConfig { replication_id: format!("{array}-rid"), ..ArrayConfig::new(DRIVER) });
            storage.connect(cluster, array, [address]);
        }
        storage.pair("east", "west", LinkConfig::default());
    });
    world.add_hub("hub");
    let (dr1, dr2) = (world.add_cluster("dr1"), world.add_cluster("dr2"));
    for cluster in [&dr1, &dr2] {
        prepare(cluster);
    }
    Bed { world: world.clone(), dr1, dr2 }
}

/// Installs what a cluster's administrator would.
pub(crate) fn prepare(cluster: &Cluster) {
    let class = |reclaim: &str, name: &str| json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": name }, "provisioner": DRIVER, "reclaimPolicy": reclaim, "allowVolumeExpansion": true });
    let replication = |kind: &str, name: &str| {
        json!({ "apiVersion": "replication.storage.openshift.io/v1alpha1", "kind": kind, "metadata": { "name": name },
            "spec": { "provisioner": DRIVER, "parameters": { "schedulingInterval": "1m" } } })
    };
    for object in [
        class("Delete", "block"),
        class("Retain", "kept"),
        replication("VolumeReplicationClass", "vrc"),
        replication("VolumeGroupReplicationClass", "vgrc"),
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "app" } }),
    ] {
        cluster.api().install(&object).unwrap();
    }
}

impl Bed {
    pub(crate) fn user(&self, cluster: &str) -> User {
        User(self.world.user("user", cluster).unwrap())
    }
}

/// Somebody with all rights who sits beside a cluster.
pub(crate) struct User(pub(crate) Client);

impl User {
    pub(crate) fn api(&self, kind: &Kind) -> Api<DynamicObject> {
        kind.api(self.0.clone(), if kind.namespaced { "app" } else { "" })
    }

    pub(crate) async fn create(&self, kind: &Kind, name: &str, data: Value) -> DynamicObject {
        self.api(kind).create(&PostParams::default(), &kind.object("app", name, data)).await.unwrap()
    }

    pub(crate) async fn get(&self, kind: &Kind, name: &str) -> Option<DynamicObject> {
        self.api(kind).get_opt(name).await.unwrap()
    }

    pub(crate) async fn delete(&self, kind: &Kind, name: &str) {
        self.delete_with(kind, name, &DeleteParams::default()).await;
    }

    pub(crate) async fn delete_with(&self, kind: &Kind, name: &str, params: &DeleteParams) {
        self.api(kind).delete(name, params).await.unwrap();
    }

    pub(crate) async fn merge(&self, kind: &Kind, name: &str, patch: Value) -> DynamicObject {
        self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    pub(crate) async fn claim(&self, name: &str, class: &str) {
        let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } }, "storageClassName": class });
        self.create(&Kind::claim(), name, json!({ "spec": spec })).await;
    }

    pub(crate) async fn pod(&self, name: &str, node: &str, claim: &str) {
        let spec = json!({
            "nodeName": node, "containers": [{ "name": "c", "image": "i" }],
            "volumes": [{ "name": "v", "persistentVolumeClaim": { "claimName": claim } }],
        });
        self.create(&Kind::pod(), name, json!({ "spec": spec })).await;
    }

    pub(crate) async fn phase(&self, kind: &Kind, name: &str) -> String {
        self.get(kind, name).await.map(|object| object.text("status.phase").to_owned()).unwrap_or_default()
    }

    /// Waits until the phase of an object is this.
    pub(crate) async fn until_phase(&self, world: &World, kind: &Kind, name: &str, phase: &str) -> Result<(), String> {
        world
            .eventually(&format!("{} {name} is {phase}", kind.kind), MINUTE * 5, async || {
                self.phase(kind, name).await == phase
            })
            .await
    }

    /// Waits until an object is gone.
    pub(crate) async fn until_gone(&self, world: &World, kind: &Kind, name: &str) -> Result<(), String> {
        world
            .eventually(&format!("{} {name} is gone", kind.kind), MINUTE * 5, async || {
                self.get(kind, name).await.is_none()
            })
            .await
    }

    /// The volume of a bound claim and its handle.
    pub(crate) async fn volume_of(&self, claim: &str) -> (String, String) {
        let claim = self.get(&Kind::claim(), claim).await.unwrap();
        let volume = self.get(&Kind::volume(), claim.text("spec.volumeName")).await.unwrap();
        (claim.text("spec.volumeName").to_owned(), volume.text("spec.csi.volumeHandle").to_owned())
    }
}
