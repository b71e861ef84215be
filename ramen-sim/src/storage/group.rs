//! Volume groups: volumes whose copies are cut at one moment.

use std::collections::BTreeSet;

use super::{
    error::{Code, DriverError},
    mirror::{Role, Source},
    system::{StorageSystem, VolumeKey},
};

impl StorageSystem {
    /// Creates an empty group on the cluster's array and answers its handle.
    ///
    /// # Errors
    /// As [`StorageSystem::array_of`].
    pub fn create_group(&mut self, cluster: &str) -> Result<String, DriverError> {
        let array = self.array_of(cluster)?;
        let id = format!("group-{:04}", self.take_id());
        self.groups.insert((array, id.clone()), BTreeSet::new());
        Ok(id)
    }

    /// Creates an empty group that its maker calls `name`, or answers with the one made under that name before.
    ///
    /// # Errors
    /// As [`StorageSystem::array_of`].
    pub fn create_named_group(&mut self, cluster: &str, name: &str) -> Result<String, DriverError> {
        let place = (self.array_of(cluster)?, name.to_owned());
        if let Some(id) =
            self.group_names.get(&place).filter(|id| self.groups.contains_key(&(place.0.clone(), (*id).clone())))
        {
            return Ok(id.clone());
        }
        let id = self.create_group(cluster)?;
        self.group_names.insert(place, id.clone());
        Ok(id)
    }

    /// Sets which volumes a group holds. In a group that is replicated, and primary here, a volume that joins is
    /// replicated with it from now on, and one that leaves is not replicated any more.
    ///
    /// # Errors
    /// `NotFound` for an unknown group or volume.
    pub fn set_group_members(&mut self, cluster: &str, group: &str, handles: &[String]) -> Result<(), DriverError> {
        for handle in handles {
            self.key(cluster, handle)?;
        }
        let id = (self.array_of(cluster)?, group.to_owned());
        let wanted: BTreeSet<String> = handles.iter().cloned().collect();
        let members = self.groups.get_mut(&id).ok_or_else(|| no_such_group(&id))?;
        let left: Vec<String> = members.difference(&wanted).cloned().collect();
        *members = wanted;
        for handle in left {
            self.disable(cluster, &handle)?;
        }
        let members = self.group_members(cluster, group)?;
        let replicated =
            members.iter().filter_map(|key| self.volumes.get(key).and_then(|volume| volume.mirror.as_ref()));
        if replicated.clone().next().is_some() && replicated.clone().all(|mirror| mirror.role == Role::Primary) {
            self.enable(cluster, Source::Group(group.to_owned()), None)?;
        }
        Ok(())
    }

    /// Deletes a group, not its volumes. Deleting what does not exist succeeds.
    ///
    /// # Errors
    /// `FailedPrecondition` while it holds volumes.
    pub fn delete_group(&mut self, cluster: &str, group: &str) -> Result<(), DriverError> {
        let id = (self.array_of(cluster)?, group.to_owned());
        if self.groups.get(&id).is_some_and(|members| !members.is_empty()) {
            return Err(DriverError::new(
                Code::FailedPrecondition,
                format!("group {}/{} still holds volumes", id.0, id.1),
            ));
        }
        self.groups.remove(&id);
        Ok(())
    }

    /// The volumes of a group on the cluster's array, by handle.
    ///
    /// # Errors
    /// `NotFound` for an unknown group.
    pub fn group_members(&self, cluster: &str, group: &str) -> Result<Vec<VolumeKey>, DriverError> {
        let id = (self.array_of(cluster)?, group.to_owned());
        let members = self.groups.get(&id).ok_or_else(|| no_such_group(&id))?;
        members.iter().map(|handle| self.key(cluster, handle)).collect()
    }

    /// Makes the peer array know the group that its replicas belong to, under the same handle.
    pub(super) fn mirror_group(&mut self, peer_array: &str, group: &str, keys: &[VolumeKey]) {
        let peers = keys
            .iter()
            .filter_map(|key| self.volumes.get(key).and_then(|volume| volume.mirror.as_ref()))
            .map(|mirror| mirror.peer.handle.clone())
            .collect();
        self.groups.insert((peer_array.to_owned(), group.to_owned()), peers);
    }
}

fn no_such_group(id: &(String, String)) -> DriverError {
    DriverError::new(Code::NotFound, format!("group {}/{} does not exist", id.0, id.1))
}
