//! One of several replicas leads.

use std::{future::Future, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, api::PostParams};
use tokio::time::{Instant, sleep, timeout};

use crate::time::Clock;

/// Who competes for which Lease, and how patiently.
#[derive(Debug, Clone)]
pub struct LeaderConfig {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease, shared by the replicas that compete.
    pub name: String,
    /// Name of this replica, unique among them.
    pub identity: String,
    /// A Lease that has not been renewed for this long may be taken over.
    pub lease: Duration,
    /// A leader that could not renew for this long stops. Shorter than `lease`, so that it stops before another starts.
    pub renew_deadline: Duration,
    /// Time between attempts to acquire or renew; also the longest that one attempt may take.
    pub retry: Duration,
}

impl LeaderConfig {
    /// Kubernetes' usual 15, 10 and 2 seconds.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            identity: identity.into(),
            lease: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// How leading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended<T> {
    /// The work ended by itself; the Lease was given back.
    Finished(T),
    /// The Lease was lost, and the work was stopped where it was.
    Lost,
}

/// Waits until this replica leads, runs `work`, and stops it at once when the lead is lost.
///
/// # Guarantees
/// `work` is dropped before another replica may take the Lease, provided that the clocks of the replicas run equally fast; their
/// settings do not matter: a Lease counts as expired by the time for which *this* replica has seen it unchanged.
///
/// # Caveats
/// A request of `work`'s that is under way when the lead is lost may still arrive. Writes that must not interleave with another
/// leader's carry their own precondition.
///
/// # Errors
/// None: what goes wrong is tried again. Drop the future to stop competing.
pub async fn lead<T>(
    client: Client,
    config: &LeaderConfig,
    clock: Arc<dyn Clock>,
    work: impl Future<Output = T>,
) -> Ended<T> {
    let mut candidate = Candidate { leases: Api::namespaced(client, &config.namespace), config, clock, seen: None };
    while !candidate.attempt().await {
        sleep(config.retry).await;
    }
    tracing::info!(lease = %config.name, identity = %config.identity, "leading");
    let ended = tokio::select! {
        result = work => Ended::Finished(result),
        () = candidate.keep() => Ended::Lost,
    };
    if matches!(ended, Ended::Finished(_)) {
        candidate.release().await;
    } else {
        tracing::warn!(lease = %config.name, identity = %config.identity, "lost the lead");
    }
    ended
}

struct Candidate<'a> {
    leases: Api<Lease>,
    config: &'a LeaderConfig,
    clock: Arc<dyn Clock>,
    /// The Lease as it was last seen, and since when it has been so.
    seen: Option<(LeaseSpec, Instant)>,
}

impl Candidate<'_> {
    /// Whether this replica holds the Lease now.
    async fn attempt(&mut self) -> bool {
        match timeout(self.config.retry, self.acquire_or_renew()).await {
            Ok(Ok(held)) => held,
            Ok(Err(error)) => {
                tracing::debug!(lease = %self.config.name, %error, "cannot read or write the Lease");
                false
            }
            Err(_) => false,
        }
    }

    /// Ends when the Lease could not be renewed in time, or belongs to somebody else.
    async fn keep(&mut self) {
        let mut renewed = Instant::now();
        loop {
            sleep(self.config.retry).await;
            let asked = Instant::now();
            if self.attempt().await {
                // The Lease counts from the moment at which it was asked for: the answer may have been slow.
                renewed = asked;
            } else if self.held_by_another() || renewed.elapsed() >= self.config.renew_deadline {
                return;
            }
        }
    }

    async fn acquire_or_renew(&mut self) -> kube::Result<bool> {
        let Some(mut lease) = self.leases.get_opt(&self.config.name).await? else {
            let metadata = ObjectMeta { name: Some(self.config.name.clone()), ..ObjectMeta::default() };
            let spec = Some(self.held(None));
            let lease = Lease { metadata, spec };
            return self.written(self.leases.create(&PostParams::default(), &lease).await);
        };
        let present = lease.spec.clone().unwrap_or_default();
        if self.seen.as_ref().is_none_or(|(spec, _)| *spec != present) {
            self.seen = Some((present.clone(), Instant::now()));
        }
        let ours = present.holder_identity.as_deref() == Some(&self.config.identity);
        if !ours && !self.has_expired(&present) {
            return Ok(false);
        }
        lease.spec = Some(self.held(Some(&present)));
        // The resourceVersion that was read goes along: of two candidates, one gets a conflict.
        self.written(self.leases.replace(&self.config.name, &PostParams::default(), &lease).await)
    }

    fn written(&mut self, answer: kube::Result<Lease>) -> kube::Result<bool> {
        match answer {
            Ok(lease) => {
                self.seen = Some((lease.spec.unwrap_or_default(), Instant::now()));
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn has_expired(&self, present: &LeaseSpec) -> bool {
        if present.holder_identity.as_deref().is_none_or(str::is_empty) {
            return true;
        }
        let seconds = present.lease_duration_seconds.and_then(|s| u64::try_from(s).ok());
        let lease = seconds.map_or(self.config.lease, Duration::from_secs);
        self.seen.as_ref().is_some_and(|(_, since)| since.elapsed() >= lease)
    }

    fn held_by_another(&self) -> bool {
        let holder = self.seen.as_ref().and_then(|(spec, _)| spec.holder_identity.as_deref());
        holder.is_some_and(|h| !h.is_empty() && h != self.config.identity)
    }

    /// The Lease as this replica's own.
    fn held(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = self.clock.now();
        let kept = before.filter(|b| b.holder_identity.as_deref() == Some(&self.config.identity));
        let transitions = before.map_or(0, |b| b.lease_transitions.unwrap_or(0) + i32::from(kept.is_none()));
        LeaseSpec {
            holder_identity: Some(self.config.identity.clone()),
            lease_duration_seconds: Some(i32::try_from(self.config.lease.as_secs().max(1)).unwrap_or(i32::MAX)),
            acquire_time: kept.and_then(|b| b.acquire_time.clone()).or(Some(micros(now))),
            renew_time: Some(micros(now)),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }

    /// Gives the Lease back, so that another replica need not wait for its end.
    async fn release(&mut self) {
        let released = timeout(self.config.retry, async {
            let Some(mut lease) = self.leases.get_opt(&self.config.name).await? else { return Ok(()) };
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() != Some(&self.config.identity) {
                return Ok(());
            }
            spec.holder_identity = Some(String::new());
            spec.renew_time = Some(micros(self.clock.now()));
            self.leases.replace(&self.config.name, &PostParams::default(), &lease).await.map(drop)
        });
        if let Ok(Err(error)) = released.await {
            tracing::debug!(lease = %self.config.name, %error, "cannot give the Lease back; it expires");
        }
    }
}

fn micros(time: Timestamp) -> MicroTime {
    MicroTime(time)
}
