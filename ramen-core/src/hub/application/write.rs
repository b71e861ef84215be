//! Recording what a cluster is to have. What is recorded already is not written again.

use super::{
    command::Command,
    epoch, member,
    member::Member,
    pass::{Flow, Pass},
    vrg_spec::Source,
};
use crate::{
    api::VolumeReplicationGroup,
    decision::Item,
    intercluster::{ClusterName, Manifest, Precondition},
    protection::cluster_data::Epoch,
};

impl Pass {
    /// What objects are made from. The inputs have been checked before any rule asks for it.
    pub(super) fn must_source(&mut self) -> Flow<Source> {
        let source = self.source();
        source.ok_or_else(|| self.wait("the policy and the namespace of the application to be known", "none needed"))
    }

    /// Records what the VolumeReplicationGroup of a cluster is to be; says whether that is news.
    pub(super) fn put_vrg(&mut self, member: &Member, vrg: VolumeReplicationGroup, guard: impl Into<String>) -> bool {
        let same = member.wanted.as_ref().is_some_and(|wanted| {
            let recorded = wanted.record.intent.manifests.first();
            !member.is_ending() && Manifest::of(&vrg).is_ok_and(|manifest| Some(&manifest) == recorded)
        });
        if !same {
            let cluster = member.cluster.clone();
            self.act(Command::PutVrg { cluster, vrg: Box::new(vrg), precondition: member.precondition() }, guard);
        }
        !same
    }

    /// Records that the application's namespace is to exist on a cluster, unless that is on record.
    pub(super) fn put_namespace(&mut self, cluster: &ClusterName, namespace: &str) -> Flow {
        let record = self.seen.clusters.get(cluster).map(|facts| facts.namespace_intent.clone()).unwrap_or_default();
        match record {
            Item::Read(Ok(Some(_))) => Ok(()),
            Item::Read(Err(failure)) => Err(self.blocked(&failure)),
            Item::Read(Ok(None)) | Item::Unread => {
                let (cluster, namespace) = (cluster.clone(), namespace.to_owned());
                let command = Command::PutNamespace { cluster, namespace, precondition: Precondition::Absent };
                self.act(command, "the namespace must be there before what lives in it");
                Ok(())
            }
        }
    }

    /// The highest epoch on record: asked for, seen on a cluster, or known of a store that was read.
    pub(super) fn epoch(&mut self) -> Flow<Epoch> {
        let members = self.members()?;
        let seen = members.iter().map(Member::epoch).max().unwrap_or_default();
        let stored = self.seen.stored.read().into_iter().flatten().filter_map(|s| s.content.as_ref().ok());
        let stored = stored.map(|group| group.vrg.as_ref().map(epoch::of).unwrap_or_default().max(group.epoch)).max();
        Ok(seen.max(stored.unwrap_or_default()))
    }

    /// The member that is to be the primary.
    pub(super) fn primary(&mut self) -> Flow<Option<Member>> {
        let members = self.members()?;
        Ok(member::primary(&members).cloned())
    }
}
