//! What the ConfigMap of a delivery holds.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde::{Deserialize, Serialize};

use crate::intercluster::{
    ClusterName, DeletePolicy, Delivery, ExistingPolicy, Failure, FailureClass, Intent, IntentId, Manifest, Revision,
    SecretDelivery, SecretDeliveryName, SecretForm,
    agent::{Report, StoredRecord, is_dns_subdomain},
};

/// A delivery and how far it has come. No content of a Secret is in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// What is asked for; `None` once it was withdrawn.
    pub(super) delivery: Option<SecretDelivery>,
    /// What was asked for last; says where targets are.
    pub(super) last: Option<SecretDelivery>,
    /// Number of the state of content and wish.
    pub(super) number: u64,
    /// Uid and resource version of the source that the number stands for.
    pub(super) source: String,
    /// Clusters from which the target is being removed.
    pub(super) leaving: BTreeSet<ClusterName>,
    /// What became of the target, by cluster.
    pub(super) reports: BTreeMap<ClusterName, Report>,
}

impl Record {
    /// Takes up what is asked for.
    pub(super) fn wish(&mut self, delivery: &SecretDelivery) -> Result<(), Failure> {
        if self.delivery.as_ref() == Some(delivery) {
            return Ok(());
        }
        // Nothing may be recorded that no target can be made of: the record could neither be carried out nor be listed.
        for (field, text) in [("targetNamespace", &delivery.target_namespace), ("targetName", &delivery.target_name)] {
            if !is_dns_subdomain(text) || field == "targetNamespace" && (text.contains('.') || text.len() > 63) {
                let cause = format!("{field} {text:?} cannot be the name of a target");
                return Err(Failure::new(FailureClass::Invalid, cause)
                    .about(&delivery.name)
                    .remedy("use lower case letters, digits and '-', in the name of a Secret also '.'"));
            }
        }
        let target = |d: &SecretDelivery| (d.target_namespace.clone(), d.target_name.clone());
        let moved = self.last.as_ref().is_some_and(|last| target(last) != target(delivery));
        let present = self.last.iter().flat_map(|last| last.clusters.iter().cloned());
        let left: BTreeSet<_> = present.chain(self.leaving.iter().cloned()).collect();
        if moved && !left.is_empty() {
            let cause = "its target cannot be moved while one is delivered";
            return Err(Failure::new(FailureClass::Conflict, cause)
                .about(&delivery.name)
                .remedy("withdraw the delivery first, or give the new one another name"));
        }
        if let Some(cluster) = delivery.clusters.iter().find(|c| self.leaving.contains(c)) {
            let cause = "the target is being removed; it can be delivered again once it is gone";
            return Err(Failure::new(FailureClass::Conflict, cause).on(cluster.clone()).about(&delivery.name));
        }
        self.leaving = left.into_iter().filter(|c| !delivery.clusters.contains(c)).collect();
        self.delivery = Some(delivery.clone());
        self.last = Some(delivery.clone());
        self.number += 1;
        Ok(())
    }

    /// Ends the delivery everywhere.
    pub(super) fn withdraw(&mut self) -> Result<(), Failure> {
        if let Some(delivery) = self.delivery.take() {
            self.leaving.extend(delivery.clusters);
        }
        Ok(())
    }

    /// The clusters that the delivery is, or is still, about.
    pub(super) fn clusters(&self) -> BTreeSet<ClusterName> {
        let wanted = self.delivery.iter().flat_map(|d| d.clusters.iter().cloned());
        wanted.chain(self.leaving.iter().cloned()).collect()
    }

    /// How far it has come on a cluster.
    pub(super) fn delivery_on(&self, cluster: &ClusterName) -> Delivery {
        let report = self.reports.get(cluster).filter(|r| r.revision.number == self.number);
        match report.map(|r| (r, r.objects.iter().find_map(|o| o.failure.clone()))) {
            None => Delivery::Accepted,
            Some((_, Some(failure))) => Delivery::Failed(failure),
            Some((report, None)) => Delivery::Applied { revision: report.revision.clone(), at: report.at },
        }
    }

    /// The record of one cluster, as the engine takes it. Without a source the content is left out: for a target that is being
    /// removed only its name counts.
    pub(super) fn of_cluster(
        &self,
        name: &SecretDeliveryName,
        cluster: &ClusterName,
        map: &serde_json::Value,
        source: Option<&Secret>,
    ) -> Result<Option<StoredRecord>, Failure> {
        let Some(delivery) = self.last.as_ref().filter(|_| self.clusters().contains(cluster)) else { return Ok(None) };
        let text = |field: &str| map["metadata"][field].as_str().unwrap_or_default().to_owned();
        let mut intent = Intent::new(
            id(name, cluster),
            format!("secret/{}/{}", name.namespace, name.name),
            target(delivery, source)?,
        );
        intent.existing = ExistingPolicy::Refuse;
        Ok(Some(StoredRecord {
            intent,
            revision: Revision { incarnation: text("uid"), number: self.number },
            version: text("resourceVersion"),
            backing: serde_json::Value::Null,
            held: true,
            foreign: false,
            ending: self.leaving.contains(cluster).then_some(DeletePolicy::Delete),
            report: self.reports.get(cluster).cloned(),
        }))
    }
}

/// The engine's name of a delivery to one cluster. Namespaces have no dot, so the first one separates.
pub(super) fn id(name: &SecretDeliveryName, cluster: &ClusterName) -> IntentId {
    IntentId::new(cluster.clone(), format!("{}.{}", name.namespace, name.name))
}

/// The delivery of an engine's name.
pub(super) fn name(id: &IntentId) -> Option<SecretDeliveryName> {
    let (namespace, name) = id.name.split_once('.')?;
    Some(SecretDeliveryName { namespace: namespace.into(), name: name.into() })
}

/// The Secret as it should be on a cluster.
fn target(delivery: &SecretDelivery, source: Option<&Secret>) -> Result<Manifest, Failure> {
    let (data, type_) = match source {
        None => (None, None),
        Some(source) => match &delivery.form {
            SecretForm::Same => (source.data.clone(), source.type_.clone()),
            SecretForm::VeleroCredentials { key } => {
                (Some([(key.clone(), credentials(delivery, source)?)].into()), None)
            }
        },
    };
    Manifest::of(&Secret {
        metadata: ObjectMeta {
            name: Some(delivery.target_name.clone()),
            namespace: Some(delivery.target_namespace.clone()),
            ..ObjectMeta::default()
        },
        data,
        type_,
        ..Secret::default()
    })
}

/// The AWS credentials file that Velero reads.
fn credentials(delivery: &SecretDelivery, source: &Secret) -> Result<ByteString, Failure> {
    let value = |key: &str| {
        let bytes = source.data.as_ref().and_then(|data| data.get(key));
        bytes.and_then(|bytes| std::str::from_utf8(&bytes.0).ok()).ok_or_else(|| {
            Failure::new(FailureClass::Malformed, format!("key {key} is missing or is no text"))
                .about(format!("Secret {}/{}", delivery.name.namespace, delivery.source))
        })
    };
    let (id, secret) = (value("AWS_ACCESS_KEY_ID")?, value("AWS_SECRET_ACCESS_KEY")?);
    let file = format!("[default]\n  aws_access_key_id = {id}\n  aws_secret_access_key = {secret}\n");
    Ok(ByteString(file.into_bytes()))
}
