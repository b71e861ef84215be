//! A storage vendor's agent that carries out MaintenanceModes.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    super::kit::{Context, Controller, Error, Fields, Key, Kind, Next},
    Settings, conditions,
};
use crate::{shared::Shared, storage::Operation};

const FINALIZER: &str = "maintenance.storage.example.com/active";

fn kind() -> Kind {
    Kind::cluster("ramendr.openshift.io", "v1alpha1", "MaintenanceMode", "maintenancemodes")
}

/// Stops what replicates into this cluster's array while a MaintenanceMode of mode `Failover` names its replication id,
/// and lets it go on when the MaintenanceMode is deleted. The state goes from Progressing to Completed after a while.
#[derive(Debug)]
pub struct Maintenance {
    settings: Settings,
    takes: Duration,
    /// When each MaintenanceMode, by uid, will be done.
    done_at: Shared<BTreeMap<String, Duration>>,
}

impl Maintenance {
    /// The agent of one cluster, which takes this long to stop replication.
    pub fn new(settings: Settings, takes: Duration) -> Self {
        Self { settings, takes, done_at: Shared::default() }
    }

    async fn set(&self, target: &str, active: bool) -> Result<(), Error> {
        let cluster = &self.settings.cluster;
        let set = self
            .settings
            .call(Operation::Maintenance, target, |system| system.set_maintenance(cluster, target, active))
            .await;
        set.map_err(|error| Error::Other(error.to_string()))
    }
}

#[async_trait]
impl Controller for Maintenance {
    fn name(&self) -> &'static str {
        "storage-maintenance"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![kind()]
    }

    fn concerns(&self, _: &Context, of: &Kind, object: &DynamicObject) -> Vec<Key> {
        if *of == kind() { vec![Key::of(object)] } else { Vec::new() }
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        let Some(found) = context.get(&kind(), "", &key.name) else { return Ok(Next::Wait) };
        let mut mode = found.as_ref().clone();
        let target = mode.text("spec.targetID").to_owned();
        if mode.is_deleting() {
            if mode.has_finalizer(FINALIZER) {
                self.set(&target, false).await?;
                mode.remove_finalizer(FINALIZER);
                context.replace(&kind(), &mode).await?;
            }
            return Ok(Next::Wait);
        }
        let failover = mode.at("spec.modes").as_array().is_some_and(|modes| modes.contains(&Value::from("Failover")));
        if !failover
            || !self.settings.serves(mode.text("spec.storageProvisioner"))
            || mode.text("status.state") == "Completed"
        {
            return Ok(Next::Wait);
        }
        if mode.add_finalizer(FINALIZER) {
            mode = context.replace(&kind(), &mode).await?;
        }
        let generation = json!(mode.generation());
        if mode.text("status.state") != "Progressing" {
            let status = [("state", json!("Progressing")), ("observedGeneration", generation.clone())];
            context.ensure_status(&kind(), &mode, &status).await?;
        }
        let now = context.clock().elapsed();
        let done_at = self.done_at.with(|all| *all.entry(mode.uid().to_owned()).or_insert(now + self.takes));
        if now < done_at {
            return Ok(Next::After(done_at - now));
        }
        self.set(&target, true).await?;
        conditions::set(
            &mut mode,
            &context.now(),
            "FailoverActivated",
            "True",
            "Activated",
            "replication into this cluster is stopped",
        );
        mode.set_status("state", json!("Completed"));
        mode.set_status("observedGeneration", generation);
        context.replace_status(&kind(), &mode).await?;
        Ok(Next::Wait)
    }
}
