//! The contract of delivery on top of records.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::{
    access::{ClusterAccess, LinkState},
    settings::AgentSettings,
    store::{RecordStore, StoredRecord},
};
use crate::{
    intercluster::{
        ApplyStrategy, DeletePolicy, Delivery, DifferingIntents, Failure, FailureClass, Intent, IntentId, IntentRecord,
        IntentSelector, ObjectTransport, Precondition, PutWhileDeleting, Receipt, TransportCapabilities,
    },
    time::Deadline,
};

/// An [`ObjectTransport`] over a [`RecordStore`]. An [`Agent`](super::Agent) over the same store does the delivering.
#[derive(Debug, Clone)]
pub struct RecordTransport {
    name: String,
    store: Arc<dyn RecordStore>,
    access: Arc<dyn ClusterAccess>,
    settings: AgentSettings,
    catch_up_within: Duration,
}

impl RecordTransport {
    /// A transport that publishes its results under this name. `catch_up_within` is the time within which a cluster that
    /// answers again has been noticed and brought up to date.
    pub fn new(
        name: impl Into<String>,
        store: Arc<dyn RecordStore>,
        access: Arc<dyn ClusterAccess>,
        settings: AgentSettings,
        catch_up_within: Duration,
    ) -> Self {
        Self { name: name.into(), store, access, settings, catch_up_within }
    }

    /// Refuses what could not be delivered, before anything is written.
    fn validate(&self, intent: &Intent) -> Result<(), Failure> {
        let invalid = |cause: String| Err(Failure::new(FailureClass::Invalid, cause).about(&intent.id));
        let limits = self.store.limits();
        let name = &intent.id.name;
        if name.len() > limits.max_name_length {
            return invalid(format!("its name has {} characters, {} are possible", name.len(), limits.max_name_length));
        }
        if !is_dns_subdomain(name) {
            return invalid("its name is not made of lower case letters, digits, '-' and '.'".into());
        }
        if intent.owner.is_empty() {
            return invalid("it has no owner".into());
        }
        if intent.manifests.is_empty() {
            return invalid("it has no manifests".into());
        }
        let bytes: usize = intent.manifests.iter().map(|m| m.object.to_string().len()).sum();
        if bytes > limits.max_intent_bytes {
            return invalid(format!("its manifests have {bytes} bytes, {} are possible", limits.max_intent_bytes));
        }
        let mut keys = HashSet::new();
        for manifest in &intent.manifests {
            let key = manifest.key(&intent.id.cluster);
            if manifest.name().is_empty() || manifest.resource.namespaced != manifest.namespace().is_some() {
                return invalid(format!(
                    "{key} lacks a name or a namespace, or has a namespace that its kind does not take"
                ));
            }
            if !keys.insert(key.clone()) {
                return invalid(format!("it has {key} twice"));
            }
        }
        Ok(())
    }

    /// Refuses a cluster that is not there, or whose endpoint leads to another one.
    fn known(&self, id: &IntentId) -> Result<(), Failure> {
        self.access.client(&id.cluster).map_err(|f| f.about(id))?;
        match self.access.state(&id.cluster) {
            LinkState::Down(failure) if failure.class() == FailureClass::UnknownCluster => Err(failure.about(id)),
            _ => Ok(()),
        }
    }

    async fn try_put(
        &self,
        intent: &Intent,
        precondition: &Precondition,
        deadline: Deadline,
    ) -> Result<Attempt, Failure> {
        if *precondition == Precondition::Absent {
            // Creating fails if a record exists; only then what it says matters.
            match self.store.put(intent, None, 0, deadline).await {
                Err(failure) if failure.class() == FailureClass::Conflict => {}
                written => return written.map(|record| Attempt::Done(receipt(&record, true))),
            }
        }
        let current = self.store.get(&intent.id, deadline).await?;
        check(precondition, current.as_ref(), &intent.id)?;
        if let Some(record) = &current {
            if record.ending.is_some() {
                return Err(conflict(&intent.id, "a deletion of it is under way")
                    .remedy("put it again once the deletion is confirmed"));
            }
            if !record.foreign && record.intent.owner != intent.owner {
                return Err(conflict(&intent.id, &format!("{} holds an intent of this name", record.intent.owner))
                    .remedy("give one of the two another name"));
            }
            if record.intent == *intent {
                return Ok(Attempt::Done(receipt(record, false)));
            }
        }
        let above = current.as_ref().and_then(|r| r.report.as_ref()).map_or(0, |r| r.seen);
        raced(self.store.put(intent, current.as_ref(), above, deadline).await.map(|written| receipt(&written, true)))
    }

    async fn try_delete(
        &self,
        id: &IntentId,
        policy: Option<DeletePolicy>,
        precondition: &Precondition,
        deadline: Deadline,
    ) -> Result<Attempt, Failure> {
        let Some(record) = self.store.get(id, deadline).await? else {
            // What is gone satisfies a deletion of whatever revision.
            let gone = Receipt { id: id.clone(), revision: None, delivery: Delivery::Gone, changed: false };
            return Ok(Attempt::Done(gone));
        };
        check(precondition, Some(&record), id)?;
        let wanted = policy.or(record.ending).unwrap_or(record.intent.on_delete);
        let changed = record.ending != Some(wanted);
        let receipt =
            Receipt { id: id.clone(), revision: Some(record.revision.clone()), delivery: Delivery::Deleting, changed };
        if !changed {
            return Ok(Attempt::Done(receipt));
        }
        raced(self.store.end(&record, wanted, deadline).await.map(|()| receipt))
    }
}

/// Tells a write that lost a race from one that failed.
fn raced(written: Result<Receipt, Failure>) -> Result<Attempt, Failure> {
    match written {
        Ok(receipt) => Ok(Attempt::Done(receipt)),
        Err(failure) if failure.class() == FailureClass::Conflict => Ok(Attempt::Raced(failure)),
        Err(failure) => Err(failure),
    }
}

fn receipt(record: &StoredRecord, changed: bool) -> Receipt {
    Receipt {
        id: record.intent.id.clone(),
        revision: Some(record.revision.clone()),
        delivery: record.delivery(),
        changed,
    }
}

fn conflict(id: &IntentId, cause: &str) -> Failure {
    Failure::new(FailureClass::Conflict, cause).about(id)
}

fn check(precondition: &Precondition, current: Option<&StoredRecord>, id: &IntentId) -> Result<(), Failure> {
    match (precondition, current) {
        (Precondition::None, _) | (Precondition::Absent, None) => Ok(()),
        (Precondition::At(revision), Some(record)) if record.revision == *revision => Ok(()),
        (Precondition::Absent, Some(record)) => {
            Err(conflict(id, &format!("it exists already, at revision {}", record.revision)))
        }
        (Precondition::At(asked), Some(record)) => {
            Err(conflict(id, &format!("it is at revision {}, not at {asked}", record.revision)))
        }
        (Precondition::At(asked), None) => {
            Err(conflict(id, &format!("it does not exist, so it is not at revision {asked}")))
        }
    }
}

/// What Kubernetes asks of most names.
pub(crate) fn is_dns_subdomain(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 253
        && name.split('.').all(|l| l.chars().all(inner) && ends(l.chars().next()) && ends(l.chars().next_back()))
}

/// Writes without a precondition that lose against other writers are begun anew this often.
const ATTEMPTS: usize = 8;

/// One attempt of a write.
enum Attempt {
    /// It is decided.
    Done(Receipt),
    /// The record changed between read and write.
    Raced(Failure),
}

impl Attempt {
    /// The outcome, if there is no point in another attempt.
    fn settled(self, precondition: &Precondition) -> Result<Result<Receipt, Failure>, Failure> {
        match self {
            Self::Done(receipt) => Ok(Ok(receipt)),
            Self::Raced(failure) if *precondition == Precondition::None => Err(failure),
            Self::Raced(failure) => Ok(Err(failure)),
        }
    }
}

#[async_trait]
impl ObjectTransport for RecordTransport {
    fn capabilities(&self) -> TransportCapabilities {
        let limits = self.store.limits();
        TransportCapabilities {
            name: self.name.clone(),
            repair_within: self.settings.repair_within(),
            prerequisite_within: self.settings.prerequisite_within(),
            catch_up_within: self.catch_up_within,
            max_name_length: limits.max_name_length,
            max_intent_bytes: limits.max_intent_bytes,
            bundles: true,
            strategies: vec![
                ApplyStrategy::ServerSideApply,
                ApplyStrategy::ServerSideApplyForced,
                ApplyStrategy::Update,
                ApplyStrategy::CreateOnly,
                ApplyStrategy::ReadOnly,
            ],
            removes_metadata: true,
            confirms_deletion: true,
            differing_intents: DifferingIntents::Conflict,
            put_while_deleting: PutWhileDeleting::Refused,
            record_loss_grace: None,
        }
    }

    async fn put(&self, intent: &Intent, precondition: &Precondition, deadline: Deadline) -> Result<Receipt, Failure> {
        let intent = &intent.cleaned()?;
        self.validate(intent)?;
        self.known(&intent.id)?;
        let mut raced = None;
        for _ in 0..ATTEMPTS {
            match self.try_put(intent, precondition, deadline).await?.settled(precondition) {
                Ok(settled) => return settled,
                Err(failure) => raced = Some(failure),
            }
        }
        Err(raced.unwrap_or_else(|| conflict(&intent.id, "other writers keep changing it")))
    }

    async fn get(&self, id: &IntentId, deadline: Deadline) -> Result<Option<IntentRecord>, Failure> {
        Ok(self.store.get(id, deadline).await?.map(|record| record.to_record()))
    }

    async fn list(&self, selector: &IntentSelector, deadline: Deadline) -> Result<Vec<IntentRecord>, Failure> {
        Ok(self.store.list(selector, deadline).await?.iter().map(StoredRecord::to_record).collect())
    }

    async fn delete(
        &self,
        id: &IntentId,
        policy: Option<DeletePolicy>,
        precondition: &Precondition,
        deadline: Deadline,
    ) -> Result<Receipt, Failure> {
        let mut raced = None;
        for _ in 0..ATTEMPTS {
            match self.try_delete(id, policy, precondition, deadline).await?.settled(precondition) {
                Ok(settled) => return settled,
                Err(failure) => raced = Some(failure),
            }
        }
        Err(raced.unwrap_or_else(|| conflict(id, "other writers keep changing it")))
    }

    fn changes(&self) -> BoxStream<'static, IntentId> {
        self.store.watch()
    }
}
