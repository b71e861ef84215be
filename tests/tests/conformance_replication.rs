//! The kit for replication drivers on `NoReplication`: one storage that both clusters see.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use ramen_core::{
    api::{PeerClass, names::labels::STORAGE_ID},
    protection::{
        StorageClassFacts, VolumeFacts, VolumeId, VolumeUse,
        replication::{ClusterClasses, ProtectionFacts, ReplicationDriver},
    },
    testing::conformance::{
        BedError,
        replication::{self, DriverFault, ReplicationBed, Side},
    },
};
use ramen_storage::replication::NoReplication;

/// What applications wrote to each volume of the shared storage, and which clusters are gone.
#[derive(Debug, Default)]
struct SharedStorage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    writes: BTreeMap<VolumeId, u64>,
    lost: Vec<Side>,
}

fn class(name: &str, storage_id: Option<&str>) -> StorageClassFacts {
    StorageClassFacts {
        name: name.into(),
        provisioner: "san.example.com".into(),
        labels: storage_id.map(|id| (STORAGE_ID.to_owned(), id.to_owned())).into_iter().collect(),
        parameters: BTreeMap::new(),
    }
}

fn classes(cluster_id: &str, storage_class: StorageClassFacts) -> ClusterClasses {
    ClusterClasses { cluster_id: cluster_id.into(), storage_class, classes: Vec::new(), scheduling_interval: None }
}

fn volume(name: &str, storage_class: StorageClassFacts) -> VolumeFacts {
    VolumeFacts {
        id: VolumeId::new("app", name),
        uid: format!("uid-{name}"),
        bound: true,
        deleting: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        finalizers: Vec::new(),
        access_modes: vec!["ReadWriteOnce".into()],
        volume_mode: "Filesystem".into(),
        requested: Some("1Gi".into()),
        capacity: Some("1Gi".into()),
        storage_class: Some(storage_class),
        volume: None,
        in_use: VolumeUse::Free,
    }
}

#[async_trait]
impl ReplicationBed for SharedStorage {
    fn name(&self) -> String {
        "NoReplication over shared storage".into()
    }

    async fn reset(&self) -> Result<(), BedError> {
        *self.0.lock().unwrap() = State::default();
        Ok(())
    }

    fn driver(&self, _: Side) -> Result<Arc<dyn ReplicationDriver>, BedError> {
        Ok(Arc::new(NoReplication::new()))
    }

    fn volumes(&self, _: Side) -> Vec<VolumeFacts> {
        ["data", "logs"].map(|name| volume(name, class("gold", Some("san-1")))).into()
    }

    fn protection(&self) -> ProtectionFacts {
        let peer =
            PeerClass { storage_class_name: "gold".into(), storage_id: vec!["san-1".into()], ..PeerClass::default() };
        ProtectionFacts {
            scheduling_interval: None,
            classes: Vec::new(),
            peer_classes: vec![peer],
            annotations: BTreeMap::new(),
        }
    }

    fn not_owned(&self) -> Vec<(VolumeFacts, ProtectionFacts)> {
        let asynchronous = ProtectionFacts { scheduling_interval: Some("5m".into()), ..self.protection() };
        vec![
            (volume("data", class("gold", Some("san-1"))), asynchronous),
            (volume("data", class("gold", Some("san-2"))), self.protection()),
            (volume("data", class("silver", Some("san-1"))), self.protection()),
            (volume("data", class("gold", None)), self.protection()),
        ]
    }

    fn classes(&self, side: Side) -> ClusterClasses {
        classes(&format!("{side:?}"), class("gold", Some("san-1")))
    }

    fn unmatched_classes(&self) -> Vec<ClusterClasses> {
        [class("gold", Some("san-2")), class("silver", Some("san-1")), class("gold", None)]
            .map(|class| classes("third", class))
            .into()
    }

    async fn write(&self, side: Side, volume: &VolumeId) -> Result<bool, BedError> {
        let mut state = self.0.lock().unwrap();
        if state.lost.contains(&side) {
            return Ok(false);
        }
        *state.writes.entry(volume.clone()).or_default() += 1;
        Ok(true)
    }

    async fn digest(&self, _: Side, volume: &VolumeId) -> Result<Option<String>, BedError> {
        Ok(Some(format!("{} writes", self.0.lock().unwrap().writes.get(volume).copied().unwrap_or_default())))
    }

    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn settles_within(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// The driver talks to nothing: only a cluster can be lost.
    async fn inflict(&self, side: Side, fault: DriverFault) -> Result<(), BedError> {
        if fault != DriverFault::Lost {
            return Err(BedError::unable("keep this driver from anything, it talks to nothing"));
        }
        self.0.lock().unwrap().lost.push(side);
        Ok(())
    }

    async fn heal(&self, side: Side) -> Result<(), BedError> {
        self.0.lock().unwrap().lost.retain(|lost| *lost != side);
        Ok(())
    }

    /// It has no way to anything.
    async fn calls(&self, _: Side) -> Result<u64, BedError> {
        Ok(0)
    }
}

#[tokio::test(start_paused = true)]
async fn no_replication_keeps_every_promise() {
    let report = replication::run(&SharedStorage::default()).await;
    println!("{report}\n\n{}", report.markdown());
    assert!(report.is_green(), "{:#?}", report.broken());
    let tried: Vec<_> = report.results.iter().filter(|r| r.verdict.word() != "kept").map(|r| r.case.id).collect();
    assert_eq!(tried, ["M13", "M17", "M20", "M22"], "more than needs commands or storage to talk to was left out");
}
