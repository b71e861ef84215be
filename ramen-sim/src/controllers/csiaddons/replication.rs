//! The VolumeReplication controller.
//!
//! Traps of the original that are kept, since users meet them: a refused promotion is repeated by force at once; a
//! clean promotion leaves no `Validated` condition, and a `Validated` that an earlier failure left stays, at its old
//! generation; right after a demotion the volume reads Degraded and not Resyncing, which heals with the first resync;
//! `status.state` stays at its last value when something fails; with destination handles, a handle that does not come
//! keeps the whole status from being written.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use kube::api::DynamicObject;
use serde_json::json;

use super::{
    super::kit::{Context, Controller, Error, Fields, Key, Kind, Next},
    Settings, class_of, conditions, info, interval, replication_class_kind, replication_kind,
    target::Target,
};
use crate::{
    shared::Shared,
    storage::{Code, DriverError, Operation},
};

const FINALIZER: &str = "replication.storage.openshift.io";

/// Keeps volumes and groups in the role that VolumeReplications ask for.
#[derive(Debug)]
pub struct Replications {
    settings: Settings,
    /// The generation of each object that was last acted upon: nothing else wakes this controller.
    generations: Shared<BTreeMap<String, (i64, bool)>>,
}

/// What became of a wish for a role.
enum Reached {
    /// It holds.
    Yes,
    /// Something is still to come; come back after this long.
    After(Duration),
    /// The driver refused; repeat with growing waits.
    Refused(DriverError),
}

impl Replications {
    /// The controller of one cluster.
    pub fn new(settings: Settings) -> Self {
        Self { settings, generations: Shared::default() }
    }
}

#[async_trait]
impl Controller for Replications {
    fn name(&self) -> &'static str {
        "volume-replication"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![replication_kind()]
    }

    fn concerns(&self, _: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key> {
        if *kind != replication_kind() {
            return Vec::new();
        }
        let seen = (object.generation(), object.is_deleting());
        let before = self.generations.with(|all| all.insert(object.uid().to_owned(), seen));
        if before == Some(seen) { Vec::new() } else { vec![Key::of(object)] }
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        let Some(replication) = context.live(&replication_kind(), &key.namespace, &key.name).await? else {
            return Ok(Next::Wait);
        };
        let class = class_of(
            context,
            &self.settings,
            &replication_class_kind(),
            replication.text("spec.volumeReplicationClass"),
        )
        .await?;
        let target = Target::of(context, &replication).await;
        if replication.is_deleting() {
            return self.delete(context, &replication, target?).await;
        }
        let wish = replication.text("spec.replicationState").to_owned();
        let mut target = match target {
            Ok(target) => target,
            Err(error) => {
                let mut failed = replication.clone();
                self.failed(context, &mut failed, &wish, &error.to_string());
                self.write(context, failed, &error.to_string()).await?;
                return Err(error);
            }
        };
        let replication = self.hold(context, replication, &mut target).await?;
        let period = interval(class.text("spec.parameters.schedulingInterval"));
        match wish.as_str() {
            "primary" => self.primary(context, replication, &target, period).await,
            _ => self.secondary(context, replication, &target, wish == "resync").await,
        }
    }
}

impl Replications {
    async fn hold(
        &self,
        context: &Context,
        mut replication: DynamicObject,
        target: &mut Target,
    ) -> Result<DynamicObject, Error> {
        let name = replication.metadata.name.clone().unwrap_or_default();
        if replication.add_finalizer(FINALIZER) {
            replication = context.replace(&replication_kind(), &replication).await?;
        }
        target.hold(context, &name).await?;
        Ok(replication)
    }

    async fn primary(
        &self,
        context: &Context,
        mut replication: DynamicObject,
        target: &Target,
        period: Option<Duration>,
    ) -> Result<Next, Error> {
        if replication.text("status.state") != "Primary" {
            if let Err(error) = self.enable_and_promote(context, &mut replication, target, period).await {
                self.write(context, replication, &error.message).await?;
                return Err(Error::Other(error.to_string()));
            }
            replication = self.destination(context, replication, target).await?;
        }
        let now = context.now();
        conditions::set(
            &mut replication,
            &now,
            "Completed",
            "True",
            "Promoted",
            "volume is promoted to primary and replicating to secondary",
        );
        conditions::set(&mut replication, &now, "Degraded", "False", "Healthy", "volume is healthy");
        conditions::set(&mut replication, &now, "Resyncing", "False", "NotResyncing", "volume is not resyncing");
        replication.set_status("state", json!("Primary"));
        let told = info::read(&self.settings, &context.now(), &mut replication, target, period).await;
        self.write(context, replication, "volume is marked primary").await?;
        match told {
            Ok(Some(wait)) => Ok(Next::After(wait)),
            Ok(None) => Ok(Next::Wait),
            Err(error) => Err(Error::Other(error.to_string())),
        }
    }

    async fn enable_and_promote(
        &self,
        context: &Context,
        replication: &mut DynamicObject,
        target: &Target,
        period: Option<Duration>,
    ) -> Result<(), DriverError> {
        let (cluster, source) = (&self.settings.cluster, &target.source);
        let enabled = self
            .settings
            .call(Operation::Enable, target.handle(), |system| system.enable(cluster, source, period))
            .await;
        if let Err(error) = enabled {
            let now = context.now();
            if error.code == Code::FailedPrecondition {
                let message = format!("failed to meet prerequisite: {error}");
                conditions::set(replication, &now, "Validated", "False", "PrerequisiteNotMet", &message);
            } else {
                conditions::set(replication, &now, "Validated", "True", "PrerequisiteMet", "prerequisite is met");
            }
            self.failed(context, replication, "primary", &error.to_string());
            return Err(error);
        }
        let promote = |force| {
            self.settings
                .call(Operation::Promote, target.handle(), move |system| system.promote(cluster, source, force))
        };
        let promoted = match promote(false).await {
            Err(error) if error.code == Code::FailedPrecondition => {
                context.tell(format!("promotion of {} refused, now by force: {}", target.handle(), error.message));
                promote(true).await
            }
            other => other,
        };
        promoted.inspect_err(|error| {
            conditions::set(replication, &context.now(), "Validated", "True", "PrerequisiteMet", "prerequisite is met");
            self.failed(context, replication, "primary", &error.to_string());
        })
    }

    /// Asks for the handle of the replica, once, if the driver can tell it. While it cannot, nothing else of the status
    /// is written.
    async fn destination(
        &self,
        context: &Context,
        replication: DynamicObject,
        target: &Target,
    ) -> Result<DynamicObject, Error> {
        const CONDITION: &str = "DestinationInfoAvailable";
        if !self.settings.destination_info
            || target.claim.is_none()
            || conditions::is(&replication, CONDITION, "True", "DestinationInfoUpdated")
        {
            return Ok(replication);
        }
        let mut pending = replication;
        if !conditions::is(&pending, CONDITION, "False", "DestinationInfoPending") {
            conditions::set(
                &mut pending,
                &context.now(),
                CONDITION,
                "False",
                "DestinationInfoPending",
                "destination info is pending",
            );
            pending = context.replace_status(&replication_kind(), &pending).await?;
        }
        let (cluster, source) = (&self.settings.cluster, &target.source);
        let told =
            self.settings.call(Operation::GetDestination, target.handle(), |system| system.info(cluster, source)).await;
        match told {
            Ok(info) if !info.destination_handle.is_empty() => {
                pending.set_status("destinationVolumeID", json!(info.destination_handle));
                conditions::set(
                    &mut pending,
                    &context.now(),
                    CONDITION,
                    "True",
                    "DestinationInfoUpdated",
                    "destination info is updated",
                );
                Ok(pending)
            }
            Ok(_) => Err(Error::Other(format!("destination of {} is not known yet", target.handle()))),
            Err(error) => Err(Error::Other(error.to_string())),
        }
    }

    async fn secondary(
        &self,
        context: &Context,
        mut replication: DynamicObject,
        target: &Target,
        resync: bool,
    ) -> Result<Next, Error> {
        let was_secondary = replication.text("status.state") == "Secondary";
        let reached = self.demote_or_resync(context, &mut replication, target, resync, was_secondary).await;
        let message = match &reached {
            Reached::Yes => "volume is marked secondary",
            Reached::After(_) if was_secondary || resync => "volume is degraded",
            Reached::After(_) => "volume is demoted to secondary",
            Reached::Refused(error) => error.message.as_str(),
        };
        self.write(context, replication, message).await?;
        match reached {
            Reached::Yes => Ok(Next::Wait),
            Reached::After(wait) => Ok(Next::After(wait)),
            Reached::Refused(_) if was_secondary => Ok(Next::After(self.settings.demoted_wait)),
            Reached::Refused(error) => Err(Error::Other(error.to_string())),
        }
    }

    async fn demote_or_resync(
        &self,
        context: &Context,
        replication: &mut DynamicObject,
        target: &Target,
        resync: bool,
        was_secondary: bool,
    ) -> Reached {
        let (cluster, source, now) = (&self.settings.cluster, &target.source, context.now());
        if !resync {
            let demoted =
                self.settings.call(Operation::Demote, target.handle(), |system| system.demote(cluster, source)).await;
            if let Err(error) = demoted {
                self.failed(context, replication, "secondary", &error.to_string());
                return Reached::Refused(error);
            }
            if !was_secondary {
                conditions::set(replication, &now, "Completed", "True", "Demoted", "volume is demoted to secondary");
                conditions::set(replication, &now, "Degraded", "True", "VolumeDegraded", "volume is degraded");
                conditions::set(replication, &now, "Resyncing", "False", "NotResyncing", "volume is not resyncing");
                replication.set_status("state", json!("Secondary"));
                return Reached::After(self.settings.demoted_wait);
            }
        }
        let force = resync || replication.at("spec.autoResync") == &json!(true);
        let ready = self
            .settings
            .call(Operation::Resync, target.handle(), |system| system.resync(cluster, source, force))
            .await;
        match ready {
            Err(error) => {
                self.failed(context, replication, "resync", &error.to_string());
                Reached::Refused(error)
            }
            Ok(ready) => {
                conditions::set(
                    replication,
                    &now,
                    "Completed",
                    "True",
                    if resync { "Resynced" } else { "Demoted" },
                    "volume is secondary",
                );
                if ready {
                    conditions::set(replication, &now, "Degraded", "False", "Healthy", "volume is healthy");
                    conditions::set(replication, &now, "Resyncing", "False", "NotResyncing", "volume is not resyncing");
                    replication.set_status("state", json!("Secondary"));
                    return Reached::Yes;
                }
                conditions::set(replication, &now, "Degraded", "True", "VolumeDegraded", "volume is degraded");
                conditions::set(replication, &now, "Resyncing", "True", "ResyncTriggered", "volume is resyncing");
                Reached::After(self.settings.degraded_wait)
            }
        }
    }

    async fn delete(&self, context: &Context, replication: &DynamicObject, target: Target) -> Result<Next, Error> {
        if !replication.has_finalizer(FINALIZER) {
            return Ok(Next::Wait);
        }
        let (cluster, source) = (&self.settings.cluster, &target.source);
        match self.settings.call(Operation::Disable, target.handle(), |system| system.disable(cluster, source)).await {
            Err(error) if error.code != Code::NotFound => return Err(Error::Other(error.to_string())),
            _ => {}
        }
        target.release(context).await?;
        let mut free = replication.clone();
        free.remove_finalizer(FINALIZER);
        context.replace(&replication_kind(), &free).await?;
        Ok(Next::Wait)
    }

    /// The conditions of a wish that could not be fulfilled.
    fn failed(&self, context: &Context, replication: &mut DynamicObject, wish: &str, why: &str) {
        let now = context.now();
        let reason = match wish {
            "primary" => "FailedToPromote",
            "resync" => "FailedToResync",
            _ => "FailedToDemote",
        };
        conditions::set(replication, &now, "Completed", "False", reason, why);
        conditions::set(replication, &now, "Degraded", "True", "Error", why);
        let resyncing = if wish == "resync" { "FailedToResync" } else { "NotResyncing" };
        conditions::set(replication, &now, "Resyncing", "False", resyncing, why);
    }

    /// Writes the status if it differs; whatever it says, it says it of this generation.
    async fn write(&self, context: &Context, mut replication: DynamicObject, message: &str) -> Result<(), Error> {
        let generation = replication.generation();
        replication.set_status("observedGeneration", json!(generation));
        replication.set_status("message", json!(message));
        if replication.text("status.state").is_empty() {
            replication.set_status("state", json!("Unknown"));
        }
        let key = Key::of(&replication);
        let live = context.live(&replication_kind(), &key.namespace, &key.name).await?;
        if live.is_some_and(|live| live.at("status") == replication.at("status")) {
            return Ok(());
        }
        context.replace_status(&replication_kind(), &replication).await.map(drop)
    }
}
