//! The kit for replication drivers on the sample driver, and the mutants that show that each case can fail.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use ramen_core::{
    protection::{
        PersistentVolumeFacts, StorageClassFacts, VolumeFacts, VolumeId, VolumeUse,
        replication::{ClusterClasses, ProtectionFacts, ReplicationDriver},
    },
    testing::{
        conformance::{
            BedError,
            replication::{self, DriverFault, ReplicationBed, Side},
        },
        mutants::{DRIVER_MUTANTS, MutantDriverBed},
    },
};
use ramen_examples::sample_driver::ArrayReplication;
use ramen_sim::{
    clock::Clock,
    storage::{ArrayConfig, Behaviour, Code, Driver, DriverError, LinkConfig, Operation, StorageSystem},
    trace::{Kind, Trace},
};

const PROVISIONER: &str = "array.example.com";

const CALLS: [Operation; 6] = [
    Operation::Enable,
    Operation::Disable,
    Operation::Promote,
    Operation::Demote,
    Operation::Resync,
    Operation::GetInfo,
];

fn cluster(side: Side) -> &'static str {
    match side {
        Side::First => "dr1",
        Side::Second => "dr2",
    }
}

fn array(side: Side) -> &'static str {
    match side {
        Side::First => "east",
        Side::Second => "west",
    }
}

/// Two simulated arrays that replicate to each other.
#[derive(Debug)]
struct Arrays(Mutex<World>);

#[derive(Debug, Clone)]
struct World {
    storage: Driver,
    trace: Trace,
    handles: Vec<String>,
}

impl World {
    fn new() -> Self {
        let mut system = StorageSystem::new();
        for side in [Side::First, Side::Second] {
            system.add_array(array(side), ArrayConfig::new(PROVISIONER));
            system.connect(cluster(side), array(side), [format!("10.0.0.{}", side as u8 + 1)]);
        }
        system.pair(array(Side::First), array(Side::Second), LinkConfig::default());
        let clock = Clock::start();
        let trace = Trace::new(clock);
        let storage = Driver::new(system, clock, trace.clone());
        let create = |_| storage.with(|s| s.create_volume(cluster(Side::First), 1 << 20)).unwrap().handle;
        let handles = (0..2).map(create).collect();
        Self { storage, trace, handles }
    }
}

impl Arrays {
    fn new() -> Self {
        Self(Mutex::new(World::new()))
    }

    fn world(&self) -> World {
        self.0.lock().unwrap().clone()
    }

    fn handle(&self, id: &VolumeId) -> String {
        self.volumes(Side::First).into_iter().find(|v| v.id == *id).unwrap().volume.unwrap().handle.unwrap()
    }
}

fn class(name: &str, provisioner: &str) -> StorageClassFacts {
    StorageClassFacts {
        name: name.into(),
        provisioner: provisioner.into(),
        labels: BTreeMap::new(),
        parameters: BTreeMap::new(),
    }
}

fn classes(cluster_id: &str, storage_class: StorageClassFacts) -> ClusterClasses {
    ClusterClasses {
        cluster_id: cluster_id.into(),
        storage_class,
        classes: Vec::new(),
        scheduling_interval: Some("1m".into()),
    }
}

fn volume(number: usize, handle: &str) -> VolumeFacts {
    VolumeFacts {
        id: VolumeId::new("app", format!("data-{number}")),
        uid: format!("uid-{number}"),
        bound: true,
        deleting: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        finalizers: Vec::new(),
        access_modes: vec!["ReadWriteOnce".into()],
        volume_mode: "Filesystem".into(),
        requested: Some("1Mi".into()),
        capacity: Some("1Mi".into()),
        storage_class: Some(class("gold", PROVISIONER)),
        volume: Some(PersistentVolumeFacts {
            name: format!("pv-{number}"),
            driver: Some(PROVISIONER.into()),
            handle: Some(handle.into()),
            reclaim_policy: "Retain".into(),
            annotations: BTreeMap::new(),
        }),
        in_use: VolumeUse::Free,
    }
}

#[async_trait]
impl ReplicationBed for Arrays {
    fn name(&self) -> String {
        "sample driver over simulated arrays".into()
    }

    async fn reset(&self) -> Result<(), BedError> {
        *self.0.lock().unwrap() = World::new();
        Ok(())
    }

    fn driver(&self, side: Side) -> Result<Arc<dyn ReplicationDriver>, BedError> {
        Ok(Arc::new(ArrayReplication::new(cluster(side), PROVISIONER, self.world().storage)))
    }

    fn volumes(&self, _: Side) -> Vec<VolumeFacts> {
        self.world().handles.iter().enumerate().map(|(number, handle)| volume(number, handle)).collect()
    }

    fn protection(&self) -> ProtectionFacts {
        ProtectionFacts {
            scheduling_interval: Some("1m".into()),
            classes: Vec::new(),
            peer_classes: Vec::new(),
            annotations: BTreeMap::new(),
        }
    }

    fn not_owned(&self) -> Vec<(VolumeFacts, ProtectionFacts)> {
        let ours = volume(7, "h");
        let every = |interval: Option<&str>| ProtectionFacts {
            scheduling_interval: interval.map(Into::into),
            ..self.protection()
        };
        vec![
            (ours.clone(), every(None)),
            (ours.clone(), every(Some("m"))),
            (ours.clone(), every(Some("5µ"))),
            (
                VolumeFacts { storage_class: Some(class("gold", "other.example.com")), ..ours.clone() },
                self.protection(),
            ),
            (VolumeFacts { storage_class: None, ..ours.clone() }, self.protection()),
            (VolumeFacts { volume: None, ..ours }, self.protection()),
        ]
    }

    fn classes(&self, side: Side) -> ClusterClasses {
        classes(cluster(side), class("gold", PROVISIONER))
    }

    fn unmatched_classes(&self) -> Vec<ClusterClasses> {
        vec![classes("c3", class("silver", PROVISIONER)), classes("c3", class("gold", "other.example.com"))]
    }

    async fn write(&self, side: Side, volume: &VolumeId) -> Result<bool, BedError> {
        let handle = self.handle(volume);
        Ok(self.world().storage.with(|s| {
            let written = s
                .attach(cluster(side), "node", &handle)
                .and_then(|()| s.write(cluster(side), "node", &handle, "application", 4096));
            s.detach(cluster(side), "node", &handle);
            written.is_ok()
        }))
    }

    async fn digest(&self, side: Side, volume: &VolumeId) -> Result<Option<String>, BedError> {
        let handle = self.handle(volume);
        match self.world().storage.with(|s| s.view(cluster(side), &handle)) {
            Ok(view) => Ok(Some(format!("{} writes, {:x}", view.writes, view.checksum))),
            Err(DriverError { code: Code::NotFound, .. }) => Ok(None),
            Err(error) => Err(BedError::failed(error)),
        }
    }

    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.world().storage.with(|_| ());
    }

    /// Two copies, one of which may just have missed a write.
    fn settles_within(&self) -> Duration {
        Duration::from_secs(130)
    }

    async fn inflict(&self, side: Side, fault: DriverFault) -> Result<(), BedError> {
        let storage = self.world().storage;
        let behaviour = match fault {
            DriverFault::Lost => {
                storage.with(|s| s.set_array_up(array(side), false));
                return Ok(());
            }
            DriverFault::Silent => Behaviour::Never,
            DriverFault::Refuses => Behaviour::Fail(Code::Unavailable),
        };
        CALLS.into_iter().for_each(|call| storage.misbehave(Some(cluster(side)), call, behaviour, u32::MAX));
        Ok(())
    }

    async fn heal(&self, side: Side) -> Result<(), BedError> {
        let storage = self.world().storage;
        storage.behave();
        storage.with(|s| s.set_array_up(array(side), true));
        Ok(())
    }

    async fn calls(&self, side: Side) -> Result<u64, BedError> {
        let entries = self.world().trace.entries();
        let calls = entries.iter().filter(|entry| entry.kind == Kind::Storage && entry.actor == cluster(side));
        Ok(calls.count() as u64)
    }
}

#[tokio::test(start_paused = true)]
async fn the_sample_driver_keeps_every_promise() {
    let report = match std::env::var("KIT_CASES") {
        Ok(ids) => replication::run_some(&Arrays::new(), &ids.split(',').collect::<Vec<_>>()).await,
        Err(_) => replication::run(&Arrays::new()).await,
    };
    println!("{report}\n\n{}", report.markdown());
    assert!(report.is_green(), "{:#?}", report.broken());
}

#[tokio::test(start_paused = true)]
async fn each_case_notices_when_its_promise_is_broken() {
    let mut survivors = Vec::new();
    for &(killed_by, bend) in DRIVER_MUTANTS {
        let mutant = MutantDriverBed::new(Arc::new(Arrays::new()), bend);
        let report = replication::run_some(&mutant, &[killed_by]).await;
        match report.broken().first() {
            Some(case) => println!("{killed_by} killed {bend:?}: {}", case.verdict.seen()),
            None => survivors.push(format!("{bend:?}: {report}")),
        }
    }
    println!("{} of {} mutants killed", DRIVER_MUTANTS.len() - survivors.len(), DRIVER_MUTANTS.len());
    let without: Vec<_> =
        replication::cases().into_iter().filter(|c| !DRIVER_MUTANTS.iter().any(|(id, _)| *id == c.title.id)).collect();
    assert!(without.is_empty(), "no mutant for {without:?}");
    assert!(survivors.is_empty(), "{survivors:#?}");
}
