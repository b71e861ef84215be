//! What a case works with: a bed made ready, and the steps that cases are made of.

use std::{cell::RefCell, fmt::Display, pin::pin, sync::Arc, time::Duration};

use futures::{Stream, StreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    bed::{Admin, Fault, HubSide, TransportBed},
    report::Unmet,
    sample,
};
use crate::{
    intercluster::{
        ClusterName, ClusterRegistry, ClusterView, DeletePolicy, Freshness, Intent, IntentId, IntentRecord, Manifest,
        ObjectKey, ObjectTransport, Observation, Precondition, Receipt, Registration, ResourceType, Revision,
        TransportCapabilities, ViewCapabilities,
    },
    time::Deadline,
};

/// How long a call that crosses to the hub may take.
pub(crate) const CALL: Duration = Duration::from_secs(10);

/// A promise is broken.
pub(crate) fn broken<T>(seen: impl Display) -> Result<T, Unmet> {
    Err(Unmet::Broken(seen.to_string()))
}

/// A promise is broken unless this holds.
pub(crate) fn ensure(holds: bool, otherwise: impl Display) -> Result<(), Unmet> {
    if holds { Ok(()) } else { broken(otherwise) }
}

/// A declared capability excludes the case.
pub(crate) fn not_applicable<T>(because: impl Display) -> Result<T, Unmet> {
    Err(Unmet::NotApplicable(because.to_string()))
}

/// A bed made ready for one case.
#[derive(Debug)]
pub struct Lab<'b> {
    pub(crate) bed: &'b dyn TransportBed,
    id: &'static str,
    clusters: Vec<ClusterName>,
    hub: RefCell<HubSide>,
}

impl<'b> Lab<'b> {
    /// Resets the bed and installs what all cases need on its clusters.
    pub(crate) async fn set_up(bed: &'b dyn TransportBed, id: &'static str) -> Result<Self, Unmet> {
        bed.reset().await?;
        let clusters = bed.clusters();
        if clusters.len() < 2 {
            return Err(Unmet::NotTried("the test bed has fewer than two clusters".into()));
        }
        let lab = Self { bed, id, clusters, hub: RefCell::new(bed.hub().await?) };
        for cluster in &lab.clusters {
            lab.install(cluster, &sample::sample()).await?;
            lab.create_namespace(cluster, &lab.namespace()).await?;
        }
        Ok(lab)
    }

    pub(crate) fn clusters(&self) -> &[ClusterName] {
        &self.clusters
    }

    /// The cluster on which most cases play.
    pub(crate) fn a(&self) -> ClusterName {
        self.clusters[0].clone()
    }

    /// Another one.
    pub(crate) fn b(&self) -> ClusterName {
        self.clusters[1].clone()
    }

    pub(crate) fn transport(&self) -> Arc<dyn ObjectTransport> {
        self.hub.borrow().transport.clone()
    }

    pub(crate) fn view(&self) -> Arc<dyn ClusterView> {
        self.hub.borrow().view.clone()
    }

    pub(crate) fn registry(&self) -> Result<Arc<dyn ClusterRegistry>, Unmet> {
        let registry = self.hub.borrow().registry.clone();
        registry.ok_or_else(|| Unmet::NotApplicable("no registry comes with this transport".into()))
    }

    /// What the transport declares.
    pub fn caps(&self) -> TransportCapabilities {
        self.transport().capabilities()
    }

    /// What the view declares.
    pub fn view_caps(&self) -> ViewCapabilities {
        self.view().capabilities()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.bed.now()
    }

    pub(crate) fn admin(&self, cluster: &ClusterName) -> Result<Arc<dyn Admin>, Unmet> {
        Ok(self.bed.admin(cluster)?)
    }

    pub(crate) async fn inflict(&self, cluster: &ClusterName, fault: Fault) -> Result<(), Unmet> {
        Ok(self.bed.inflict(cluster, fault).await?)
    }

    pub(crate) async fn heal(&self, cluster: &ClusterName) -> Result<(), Unmet> {
        Ok(self.bed.heal(cluster).await?)
    }

    /// Kills the hub side; from here on its successor is used.
    pub(crate) async fn kill_hub(&self) -> Result<(), Unmet> {
        let successor = self.bed.kill_hub().await?;
        *self.hub.borrow_mut() = successor;
        Ok(())
    }

    // Names and objects of this case.

    pub(crate) fn owner(&self) -> String {
        format!("kit/{}", self.id)
    }

    pub(crate) fn namespace(&self) -> String {
        format!("kit-{}", self.id.to_lowercase())
    }

    pub(crate) fn intent_id(&self, cluster: &ClusterName, name: &str) -> IntentId {
        IntentId::new(cluster.clone(), format!("{}-{name}", self.id.to_lowercase()))
    }

    pub(crate) fn key(&self, cluster: &ClusterName, name: &str) -> ObjectKey {
        ObjectKey::new(cluster.clone(), sample::sample(), Some(&self.namespace()), name)
    }

    pub(crate) fn object(&self, name: &str, spec: &Value) -> Value {
        sample::object(&self.namespace(), name, spec)
    }

    pub(crate) fn manifest(&self, name: &str, spec: &Value) -> Result<Manifest, Unmet> {
        Ok(Manifest::new(sample::sample(), self.object(name, spec))?)
    }

    /// An intent for one object of the case's namespace, both of this name.
    pub(crate) fn intent(&self, cluster: &ClusterName, name: &str, spec: &Value) -> Result<Intent, Unmet> {
        Ok(Intent::new(self.intent_id(cluster, name), self.owner(), self.manifest(name, spec)?))
    }

    /// An intent whose object says `text`.
    pub(crate) fn saying(&self, cluster: &ClusterName, name: &str, text: impl Display) -> Result<Intent, Unmet> {
        self.intent(cluster, name, &json!({"text": text.to_string()}))
    }

    // Steps behind the transport's back.

    pub(crate) async fn create_namespace(&self, cluster: &ClusterName, name: &str) -> Result<(), Unmet> {
        let resource = ResourceType::of::<k8s_openapi::api::core::v1::Namespace>();
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let key = ObjectKey::new(cluster.clone(), resource.clone(), None, name);
        if self.admin(cluster)?.get(&key).await?.is_none() {
            self.admin(cluster)?.create(&resource, object).await?;
        }
        Ok(())
    }

    /// Installs one of the kit's kinds, and waits until it can be used.
    pub(crate) async fn install(&self, cluster: &ClusterName, resource: &ResourceType) -> Result<(), Unmet> {
        let admin = self.admin(cluster)?;
        let key = definition_key(cluster, resource);
        if admin.get(&key).await?.is_none() {
            admin.create(&key.resource, sample::definition(resource)).await?;
            let probe = ObjectKey::new(cluster.clone(), resource.clone(), Some(&self.namespace()), "probe");
            self.create_namespace(cluster, &self.namespace()).await?;
            let body = json!({"apiVersion": resource.api_version(), "kind": resource.kind,
                "metadata": {"namespace": self.namespace(), "name": "probe"}});
            self.until("the kit's kind can be used", CALL, async || {
                Ok(admin.apply(resource, body.clone(), "kit").await.ok())
            })
            .await?;
            admin.delete(&probe).await?;
        }
        Ok(())
    }

    pub(crate) async fn uninstall(&self, cluster: &ClusterName, resource: &ResourceType) -> Result<(), Unmet> {
        Ok(self.admin(cluster)?.delete(&definition_key(cluster, resource)).await?)
    }

    /// The object of this name as it is on the cluster now.
    pub(crate) async fn remote(&self, cluster: &ClusterName, name: &str) -> Result<Option<Value>, Unmet> {
        Ok(self.admin(cluster)?.get(&self.key(cluster, name)).await?)
    }

    pub(crate) async fn must_be_there(&self, cluster: &ClusterName, name: &str) -> Result<Value, Unmet> {
        let object = self.remote(cluster, name).await?;
        object.ok_or_else(|| Unmet::Broken(format!("object {name} is not on cluster {cluster}")))
    }

    /// Creates an object that carries nobody's mark.
    pub(crate) async fn create(&self, cluster: &ClusterName, name: &str, spec: &Value) -> Result<Value, Unmet> {
        Ok(self.admin(cluster)?.create(&sample::sample(), self.object(name, spec)).await?)
    }

    pub(crate) async fn edit(&self, cluster: &ClusterName, name: &str, patch: Value) -> Result<Value, Unmet> {
        Ok(self.admin(cluster)?.edit(&self.key(cluster, name), patch).await?)
    }

    // Steps of a user of the transport and the view.

    pub(crate) async fn put(&self, intent: &Intent) -> Result<Receipt, Unmet> {
        Ok(self.transport().put(intent, &Precondition::None, Deadline::after(CALL)).await?)
    }

    pub(crate) async fn record(&self, id: &IntentId) -> Result<Option<IntentRecord>, Unmet> {
        Ok(self.transport().get(id, Deadline::after(CALL)).await?)
    }

    pub(crate) async fn must_be_recorded(&self, id: &IntentId) -> Result<IntentRecord, Unmet> {
        self.record(id).await?.ok_or_else(|| Unmet::Broken(format!("there is no record of {id}")))
    }

    /// Waits until the present revision is applied.
    pub(crate) async fn applied(&self, id: &IntentId, within: Duration) -> Result<IntentRecord, Unmet> {
        self.until(&format!("{id} is applied"), within, async || {
            Ok(self.record(id).await?.filter(IntentRecord::is_applied))
        })
        .await
    }

    pub(crate) async fn put_applied(&self, intent: &Intent) -> Result<IntentRecord, Unmet> {
        self.put(intent).await?;
        self.applied(&intent.id, self.caps().catch_up_within).await
    }

    pub(crate) async fn delete(&self, id: &IntentId, policy: Option<DeletePolicy>) -> Result<Receipt, Unmet> {
        Ok(self.transport().delete(id, policy, &Precondition::None, Deadline::after(CALL)).await?)
    }

    /// Waits until the record is gone.
    pub(crate) async fn gone(&self, id: &IntentId) -> Result<(), Unmet> {
        self.until(&format!("the record of {id} is gone"), self.caps().catch_up_within, async || {
            Ok(self.record(id).await?.is_none().then_some(()))
        })
        .await
    }

    pub(crate) async fn read(&self, key: &ObjectKey, freshness: &Freshness) -> Observation {
        self.view().read(key, freshness, Deadline::after(CALL)).await
    }

    pub(crate) async fn read_live(&self, key: &ObjectKey) -> Observation {
        self.read(key, &Freshness::live()).await
    }

    pub(crate) async fn register(&self, key: &ObjectKey, registrant: &str) -> Result<(), Unmet> {
        let registration = Registration {
            key: key.clone(),
            registrant: registrant.into(),
            labels: [("case".to_owned(), self.id.to_owned())].into(),
        };
        Ok(self.view().register(&registration, Deadline::after(CALL)).await?)
    }

    /// Waits until a read with this freshness finds the object.
    pub(crate) async fn found(
        &self,
        key: &ObjectKey,
        freshness: &Freshness,
        within: Duration,
    ) -> Result<Observation, Unmet> {
        self.until(&format!("{key} is found"), within, async || {
            let seen = self.read(key, freshness).await;
            Ok(seen.outcome.found().is_some().then_some(seen))
        })
        .await
    }

    // Time.

    /// Asks until there is an answer; broken if there is none within the bound.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        within: Duration,
        mut ask: impl AsyncFnMut() -> Result<Option<T>, Unmet>,
    ) -> Result<T, Unmet> {
        let bound = within + self.bed.slack();
        let deadline = Deadline::after(bound);
        loop {
            // Looked at before the clock: a pass that ends with the bound still counts.
            let last = deadline.has_passed();
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            if last {
                return broken(format_args!("it never came about that {what}, within {within:?}"));
            }
            self.bed.wait((bound / 100).clamp(Duration::from_millis(20), Duration::from_secs(1))).await;
        }
    }

    /// Looks again and again for this long; broken as soon as it does not hold.
    pub(crate) async fn always(
        &self,
        time: Duration,
        mut holds: impl AsyncFnMut() -> Result<(), Unmet>,
    ) -> Result<(), Unmet> {
        let step = (time / 20).max(Duration::from_millis(50));
        for _ in 0..20 {
            holds().await?;
            self.bed.wait(step).await;
        }
        holds().await
    }

    /// The next item that is wanted; broken if none comes within the bound.
    pub(crate) async fn next<S: Stream + Unpin, T>(
        &self,
        what: &str,
        within: Duration,
        stream: &mut S,
        mut wanted: impl FnMut(S::Item) -> Option<T>,
    ) -> Result<T, Unmet> {
        let mut passed = pin!(self.bed.wait(within + self.bed.slack()));
        loop {
            tokio::select! {
                biased;
                item = stream.next() => match item.map(&mut wanted) {
                    Some(Some(found)) => return Ok(found),
                    Some(None) => {}
                    None => return broken(format_args!("the stream ended before {what}")),
                },
                () = &mut passed => return broken(format_args!("nothing told {what}, within {within:?}")),
            }
        }
    }

    /// The revision that a receipt names.
    pub(crate) fn revision(receipt: &Receipt) -> Result<Revision, Unmet> {
        receipt.revision.clone().ok_or_else(|| Unmet::Broken("the receipt names no revision".into()))
    }
}

fn definition_key(cluster: &ClusterName, resource: &ResourceType) -> ObjectKey {
    let definitions = ResourceType {
        group: "apiextensions.k8s.io".into(),
        version: "v1".into(),
        kind: "CustomResourceDefinition".into(),
        plural: "customresourcedefinitions".into(),
        namespaced: false,
    };
    ObjectKey::new(cluster.clone(), definitions, None, sample::definition_name(resource))
}

/// Everything that a stream has ready.
pub(crate) fn ready<S: Stream + Unpin>(stream: &mut S) -> Vec<S::Item> {
    let mut items = Vec::new();
    while let Some(Some(item)) = futures::FutureExt::now_or_never(stream.next()) {
        items.push(item);
    }
    items
}
