//! The VolumeReplication that a volume is to have.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::TypedLocalObjectReference,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::Resource;
use ramen_core::{
    api::{
        DRAction, VolumeReplicationGroup,
        foreign::{VolumeReplication, VolumeReplicationSpec, VolumeReplicationState},
        names::{
            annotations::TEST_FAILOVER_DRY_RUN,
            labels::{CREATED_BY_RAMEN, OWNER_NAME, OWNER_NAMESPACE_NAME, TRUE},
        },
    },
    protection::{
        VolumeId,
        replication::{GroupRef, ReplicationRequest, Role},
    },
};

use super::observed::Update;

const CLAIM_KIND: &str = "PersistentVolumeClaim";

/// What the VolumeReplication of a volume is to say.
#[derive(Debug, Clone)]
pub(super) struct Wish<'a> {
    group: &'a GroupRef,
    pub(super) state: VolumeReplicationState,
    auto_resync: bool,
}

impl<'a> Wish<'a> {
    /// What a request asks for; `None` for a test, which native replication has no copy for.
    ///
    /// After a failover, and while a test failover is on record, what the demoted side has of its own is given up for the
    /// peer's without being asked each time. Otherwise it is kept: then only a clean demotion gets in step again.
    pub(super) fn of(request: &'a ReplicationRequest) -> Option<Self> {
        let group = &request.group;
        match request.role {
            Role::Primary => Some(Self { group, state: VolumeReplicationState::Primary, auto_resync: false }),
            Role::Secondary => {
                let test = request.protection.annotations.get(TEST_FAILOVER_DRY_RUN).is_some_and(|on| on == TRUE);
                let auto_resync = test || request.action.as_ref() == Some(&DRAction::Failover);
                Some(Self { group, state: VolumeReplicationState::Secondary, auto_resync })
            }
            Role::Test => None,
        }
    }

    /// The object, for a volume that has none.
    pub(super) fn create(&self, volume: &VolumeId, class: String) -> VolumeReplication {
        let data_source = TypedLocalObjectReference {
            api_group: Some(String::new()),
            kind: CLAIM_KIND.to_owned(),
            name: volume.name.clone(),
        };
        let metadata = ObjectMeta {
            name: Some(volume.name.clone()),
            namespace: Some(volume.namespace.clone()),
            labels: Some(self.labels()),
            owner_references: self.may_own(volume).then(|| vec![self.owner()]),
            ..ObjectMeta::default()
        };
        let spec = VolumeReplicationSpec {
            volume_replication_class: class,
            replication_state: Some(self.state.clone()),
            data_source,
            auto_resync: Some(self.auto_resync),
            ..VolumeReplicationSpec::default()
        };
        VolumeReplication { metadata, spec, ..VolumeReplication::default() }
    }

    /// Why the object is not ours to change, if it is not.
    pub(super) fn foreign(&self, volume: &VolumeId, found: &VolumeReplication) -> Option<String> {
        let source = &found.spec.data_source;
        if source.kind != CLAIM_KIND || source.name != volume.name {
            return Some(format!(
                "VolumeReplication {volume} replicates {} {}; remove it, or let it replicate the PVC of its name",
                source.kind, source.name
            ));
        }
        let label = |key: &str| found.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map(String::as_str);
        let (namespace, name) = (label(OWNER_NAMESPACE_NAME), label(OWNER_NAME));
        let other = |found: Option<&str>, ours: &str| found.is_some_and(|found| found != ours);
        (other(namespace, &self.group.namespace) || other(name, &self.group.name)).then(|| {
            format!(
                "VolumeReplication {volume} belongs to VolumeReplicationGroup {}/{}; take the PVC out of one of the two groups",
                namespace.unwrap_or_default(),
                name.unwrap_or_default()
            )
        })
    }

    /// Whether the object asks for the state that is wanted.
    pub(super) fn is_asked(&self, found: &VolumeReplication) -> bool {
        let spec = &found.spec;
        spec.replication_state.as_ref() == Some(&self.state) && spec.auto_resync.unwrap_or(false) == self.auto_resync
    }

    /// Whether the object bears our labels and, where it may, our reference.
    pub(super) fn is_labelled(&self, volume: &VolumeId, found: &VolumeReplication) -> bool {
        let labels = found.metadata.labels.as_ref();
        let borne = |(key, value): (String, String)| labels.is_some_and(|all| all.get(&key) == Some(&value));
        self.labels().into_iter().all(borne) && self.owners(volume, found).is_none()
    }

    /// The change that makes the object as it is wanted.
    pub(super) fn update(&self, volume: &VolumeId, found: &VolumeReplication) -> Update {
        Update {
            version: found.metadata.resource_version.clone(),
            state: self.state.clone(),
            auto_resync: self.auto_resync,
            labels: self.labels(),
            owners: self.owners(volume, found),
        }
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        BTreeMap::from([
            label(OWNER_NAMESPACE_NAME, &self.group.namespace),
            label(OWNER_NAME, &self.group.name),
            label(CREATED_BY_RAMEN, TRUE),
        ])
    }

    /// A reference across namespaces would have the object collected as garbage.
    fn may_own(&self, volume: &VolumeId) -> bool {
        self.group.may_own && self.group.namespace == volume.namespace
    }

    fn owner(&self) -> OwnerReference {
        OwnerReference {
            api_version: VolumeReplicationGroup::api_version(&()).into_owned(),
            kind: VolumeReplicationGroup::kind(&()).into_owned(),
            name: self.group.name.clone(),
            uid: self.group.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }
    }

    /// The owners with ours among them; `None` if nothing is to change. A reference to a group of the same name that is gone
    /// gives way, since it would have the object collected; another controller's stays, and ours is left out.
    fn owners(&self, volume: &VolumeId, found: &VolumeReplication) -> Option<Vec<OwnerReference>> {
        if !self.may_own(volume) {
            return None;
        }
        let ours = self.owner();
        let now = found.metadata.owner_references.clone().unwrap_or_default();
        let mut owners: Vec<_> = now.into_iter().filter(|one| one.kind != ours.kind || one.uid == ours.uid).collect();
        if owners.iter().any(|one| one.uid == ours.uid || one.controller == Some(true)) {
            return None;
        }
        owners.push(ours);
        Some(owners)
    }
}
