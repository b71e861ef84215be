//! Taking over copies that another hub, or an earlier life of this one, has made.
//!
//! A hub that was restored has new uids and may have lost its records; the copies on the clusters bear the uid of before. They
//! become its own before anything else is decided, and nothing of them changes by it: neither role nor volumes.

use kube::ResourceExt;

use super::{
    member::{Member, is_deleting},
    pass::{Flow, Pass},
};
use crate::api::{VolumeReplicationGroup, names::annotations};

/// Takes over what is not ours yet, and waits until the clusters show that it is.
pub(super) fn run(pass: &mut Pass) -> Flow {
    let uid = pass.drpc().uid().unwrap_or_default();
    let foreign: Vec<_> = pass.members()?.into_iter().filter(|m| is_foreign(m, &uid)).collect();
    for member in &foreign {
        adopt(pass, member, &uid)?;
    }
    match foreign.first() {
        None => Ok(()),
        Some(member) => {
            let what = format!(
                "VRG adoption in progress on cluster {}: its VolumeReplicationGroup to bear our uid",
                member.cluster
            );
            Err(pass.wait(what, member.remedy()))
        }
    }
}

/// Whether the object is there and bears another uid, or is on no record.
fn is_foreign(member: &Member, uid: &str) -> bool {
    let found = member.found().filter(|vrg| !is_deleting(vrg));
    found.is_some_and(|vrg| bears(vrg) != Some(uid) || member.wanted.is_none()) && !member.is_ending()
}

fn bears(vrg: &VolumeReplicationGroup) -> Option<&str> {
    vrg.metadata.annotations.as_ref()?.get(annotations::DRPC_UID).map(String::as_str)
}

fn adopt(pass: &mut Pass, member: &Member, uid: &str) -> Flow {
    let source = pass.must_source()?;
    match &member.wanted {
        // On record already, and not applied yet.
        Some(wanted) if bears(&wanted.vrg) == Some(uid) => Ok(()),
        Some(wanted) => {
            let mut vrg = wanted.vrg.clone();
            vrg.metadata.annotations.get_or_insert_default().insert(annotations::DRPC_UID.into(), uid.into());
            pass.put_vrg(member, vrg, "the record is of an earlier life of this application");
            Ok(())
        }
        None => {
            let Some(seen) = member.found() else { return Ok(()) };
            pass.put_namespace(&member.cluster, &source.namespace)?;
            let vrg = source.adopted(&member.cluster, seen);
            pass.put_vrg(member, vrg, "the object is there and nobody's; role and volumes stay as they are");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
