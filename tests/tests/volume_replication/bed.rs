//! Two clusters on two arrays that replicate, and on each what the engine does around a driver.

use std::{collections::BTreeMap, time::Duration};

use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use ramen_core::{
    api::{
        DRAction, PeerClass,
        names::{
            finalizers::PVC_VR,
            labels::{REPLICATION_ID, STORAGE_ID},
        },
    },
    intercluster::FailureClass,
    protection::{
        ClassFacts, StorageClassFacts, VolumeFacts, VolumeId, VolumeUse,
        replication::{
            FinalSync, GroupRef, OwnedVolume, ProtectionFacts, ReplicationDriver, ReplicationRequest, Role,
            VolumeVerdict,
        },
    },
    time::Deadline,
};
use ramen_sim::{
    controllers::kit::{Fields, Kind},
    storage::{ArrayConfig, LinkConfig},
    world::{Cluster, World},
};
use ramen_storage::replication::VolumeReplication;
use serde_json::{Value, json};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
const DRIVER: &str = "block.example.com";
const GROUP: &str = "replication.storage.openshift.io";

pub(crate) fn replication() -> Kind {
    Kind::namespaced(GROUP, "v1alpha1", "VolumeReplication", "volumereplications")
}

pub(crate) struct Bed {
    pub(crate) world: World,
    pub(crate) dr1: Side,
    pub(crate) dr2: Side,
}

/// A cluster, its driver, and somebody with all rights beside it.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) driver: VolumeReplication,
    storage_id: &'static str,
    cluster: Cluster,
    user: Client,
}

pub(crate) async fn bed(world: &World) -> Bed {
    world.storage().with(|storage| {
        for (array, cluster, address) in [("east", "dr1", "10.1.0.1"), ("west", "dr2", "10.2.0.1")] {
            storage.add_array(array, ArrayConfig::new(DRIVER));
            storage.connect(cluster, array, [address]);
        }
        storage.pair("east", "west", LinkConfig::default());
    });
    let side = |name, storage_id| Side::new(world, name, storage_id);
    Bed { world: world.clone(), dr1: side("dr1", "s1"), dr2: side("dr2", "s2") }
}

impl Side {
    fn new(world: &World, name: &'static str, storage_id: &'static str) -> Self {
        let cluster = world.add_cluster(name);
        for object in [
            json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "kept" },
                "provisioner": DRIVER, "reclaimPolicy": "Retain" }),
            json!({ "apiVersion": "replication.storage.openshift.io/v1alpha1", "kind": "VolumeReplicationClass",
                "metadata": { "name": "vrc" },
                "spec": { "provisioner": DRIVER, "parameters": { "schedulingInterval": "1m" } } }),
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "app" } }),
        ] {
            cluster.api().install(&object).unwrap();
        }
        let user = world.user("user", name).unwrap();
        let driver = VolumeReplication::new(name, world.user("driver", name).unwrap());
        Self { name, driver, storage_id, cluster, user }
    }

    fn api(&self, kind: &Kind) -> Api<DynamicObject> {
        kind.api(self.user.clone(), if kind.namespaced { "app" } else { "" })
    }

    pub(crate) async fn get(&self, kind: &Kind, name: &str) -> Option<DynamicObject> {
        self.api(kind).get_opt(name).await.unwrap()
    }

    pub(crate) async fn delete(&self, kind: &Kind, name: &str) {
        self.api(kind).delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub(crate) async fn merge(&self, kind: &Kind, name: &str, patch: Value) {
        self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    async fn create(&self, kind: &Kind, name: &str, data: Value) {
        self.api(kind).create(&PostParams::default(), &kind.object("app", name, data)).await.unwrap();
    }

    pub(crate) async fn until_gone(&self, world: &World, kind: &Kind, name: &str) -> Result<(), String> {
        let gone = async || self.get(kind, name).await.is_none();
        world.eventually(&format!("{} {name} is gone", kind.kind), MINUTE * 5, gone).await
    }

    async fn until_phase(&self, world: &World, kind: &Kind, name: &str, phase: &str) -> Result<(), String> {
        let reached = async || self.get(kind, name).await.is_some_and(|one| one.text("status.phase") == phase);
        world.eventually(&format!("{} {name} is {phase}", kind.kind), MINUTE * 5, reached).await
    }

    /// The claim, with the finalizer that the engine puts on what it protects.
    async fn claim(&self, world: &World) -> Result<(), String> {
        let spec = json!({
            "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } }, "storageClassName": "kept",
        });
        self.create(&Kind::claim(), "data", json!({ "spec": spec })).await;
        self.until_phase(world, &Kind::claim(), "data", "Bound").await?;
        let mut claim = self.get(&Kind::claim(), "data").await.unwrap();
        claim.add_finalizer(PVC_VR);
        let finalizers = json!({ "metadata": { "finalizers": claim.metadata.finalizers } });
        self.merge(&Kind::claim(), "data", finalizers).await;
        Ok(())
    }

    pub(crate) async fn start_writer(&self, world: &World) -> Result<(), String> {
        let spec = json!({
            "nodeName": self.cluster.node().name(), "containers": [{ "name": "c", "image": "i" }],
            "volumes": [{ "name": "v", "persistentVolumeClaim": { "claimName": "data" } }],
        });
        self.create(&Kind::pod(), "writer", json!({ "spec": spec })).await;
        self.until_phase(world, &Kind::pod(), "writer", "Running").await
    }

    /// An application that writes, replicated as primary; answers with its volume and the volume's handle.
    pub(crate) async fn deploy(&self, world: &World) -> Result<(String, String), String> {
        self.claim(world).await?;
        self.until(world, Role::Primary, None, |one| one.data_ready.state == super::DataReady::Ready).await?;
        self.start_writer(world).await?;
        tokio::time::sleep(MINUTE).await;
        let volume = self.get(&Kind::claim(), "data").await.unwrap().text("spec.volumeName").to_owned();
        let handle = self.get(&Kind::volume(), &volume).await.unwrap().text("spec.csi.volumeHandle").to_owned();
        Ok((volume, handle))
    }

    /// What the engine restores before a promotion.
    pub(crate) async fn restore(&self, world: &World, volume: &str, handle: &str) -> Result<(), String> {
        let spec = json!({
            "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "1Gi" }, "storageClassName": "kept",
            "persistentVolumeReclaimPolicy": "Retain", "claimRef": { "namespace": "app", "name": "data" },
            "csi": { "driver": DRIVER, "volumeHandle": handle },
        });
        self.create(&Kind::volume(), volume, json!({ "spec": spec })).await;
        self.claim(world).await
    }

    /// What the engine does with a claim that was released.
    pub(crate) async fn let_claim_go(&self, world: &World) -> Result<(), String> {
        let mut claim = self.get(&Kind::claim(), "data").await.unwrap();
        let volume = claim.text("spec.volumeName").to_owned();
        claim.remove_finalizer(PVC_VR);
        let finalizers = json!({ "metadata": { "finalizers": claim.metadata.finalizers } });
        self.merge(&Kind::claim(), "data", finalizers).await;
        self.until_gone(world, &Kind::claim(), "data").await?;
        self.until_phase(world, &Kind::volume(), &volume, "Released").await?;
        self.delete(&Kind::volume(), &volume).await;
        self.until_gone(world, &Kind::volume(), &volume).await
    }

    /// One pass as the engine makes it: observe, decide, act; a command that meets a conflict ends it.
    pub(crate) async fn pass(&self, role: Role, action: Option<DRAction>) -> VolumeVerdict {
        let request = self.request(role, action).await;
        let seen = self.driver.observe(&request, Deadline::after(MINUTE)).await.unwrap();
        let mut decision = self.driver.decide(&request, &seen);
        for command in decision.commands {
            match self.driver.execute(&command, Deadline::after(MINUTE)).await {
                Err(failure) if failure.class() == FailureClass::Conflict => break,
                done => done.unwrap(),
            }
        }
        decision.volumes.remove(&VolumeId::new("app", "data")).unwrap()
    }

    /// Passes until the verdict is as wished.
    pub(crate) async fn until(
        &self,
        world: &World,
        role: Role,
        action: Option<DRAction>,
        wished: impl Fn(&VolumeVerdict) -> bool,
    ) -> Result<VolumeVerdict, String> {
        let mut last = None;
        let reached = async || {
            let verdict = self.pass(role, action).await;
            let reached = wished(&verdict);
            last = Some(verdict);
            reached
        };
        let done = world.eventually(&format!("{} is {role}", self.name), MINUTE * 30, reached).await;
        done.map_err(|why| format!("{why}: {last:?}"))?;
        last.ok_or_else(|| "no pass was made".to_owned())
    }

    pub(crate) async fn request(&self, role: Role, action: Option<DRAction>) -> ReplicationRequest {
        let group = GroupRef {
            namespace: "app".into(),
            name: "vrg".into(),
            uid: "vrg-uid".into(),
            generation: 1,
            may_own: false,
        };
        let volumes = vec![OwnedVolume { volume: self.facts().await, consistency_group: None }];
        ReplicationRequest {
            group,
            epoch: 1,
            role,
            action,
            final_sync: FinalSync::No,
            protection: self.protection(),
            volumes,
            release: Vec::new(),
            deleting: false,
            peer_input: Value::Null,
            restore: Vec::new(),
        }
    }

    fn protection(&self) -> ProtectionFacts {
        let labels = [(STORAGE_ID, self.storage_id), (REPLICATION_ID, "r1")];
        let class = ClassFacts {
            kind: "VolumeReplicationClass".into(),
            name: "vrc".into(),
            provisioner: DRIVER.into(),
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            annotations: BTreeMap::new(),
            parameters: BTreeMap::from([("schedulingInterval".to_owned(), "1m".to_owned())]),
        };
        let peer = PeerClass {
            replication_id: "r1".into(),
            storage_id: vec!["s1".into(), "s2".into()],
            storage_class_name: "kept".into(),
            ..PeerClass::default()
        };
        ProtectionFacts {
            scheduling_interval: Some("1m".into()),
            classes: vec![class],
            peer_classes: vec![peer],
            annotations: BTreeMap::new(),
        }
    }

    async fn facts(&self) -> VolumeFacts {
        let claim = self.get(&Kind::claim(), "data").await.unwrap();
        let class = StorageClassFacts {
            name: "kept".into(),
            provisioner: DRIVER.into(),
            labels: BTreeMap::from([(STORAGE_ID.to_owned(), self.storage_id.to_owned())]),
            parameters: BTreeMap::new(),
        };
        VolumeFacts {
            id: VolumeId::new("app", "data"),
            uid: claim.uid().to_owned(),
            bound: claim.text("status.phase") == "Bound",
            deleting: claim.is_deleting(),
            labels: claim.metadata.labels.clone().unwrap_or_default(),
            annotations: claim.metadata.annotations.clone().unwrap_or_default(),
            finalizers: claim.metadata.finalizers.clone().unwrap_or_default(),
            access_modes: vec!["ReadWriteOnce".into()],
            volume_mode: "Filesystem".into(),
            requested: Some("1Gi".into()),
            capacity: Some("1Gi".into()),
            storage_class: Some(class),
            volume: None,
            in_use: self.use_of(claim.text("spec.volumeName")).await,
        }
    }

    async fn use_of(&self, volume: &str) -> VolumeUse {
        let pods = self.api(&Kind::pod()).list(&kube::api::ListParams::default()).await.unwrap().items;
        if !pods.is_empty() {
            return VolumeUse::Pods(pods.into_iter().filter_map(|pod| pod.metadata.name).collect());
        }
        let all = self.api(&Kind::attachment()).list(&kube::api::ListParams::default()).await.unwrap().items;
        let ours = all.iter().filter(|one| one.text("spec.source.persistentVolumeName") == volume);
        let nodes: Vec<_> = ours.map(|one| one.text("spec.nodeName").to_owned()).collect();
        if nodes.is_empty() { VolumeUse::Free } else { VolumeUse::Attached(nodes) }
    }
}
