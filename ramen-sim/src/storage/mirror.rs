//! Roles of a replicated volume, and what each call of the replication driver does to them.
//!
//! The answers follow what csi-addons relies on: a promotion without force is refused whenever it could lose an
//! acknowledged write or meet a second primary; a forced one takes the last complete cut that has arrived. A refused
//! call changes nothing.

use std::time::Duration;

use super::{
    error::{Code, DriverError},
    replication::SyncRecord,
    system::{StorageSystem, Volume, VolumeKey},
};

/// Which side of a replicated pair a volume is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May be written and is copied to its peer.
    Primary,
    /// Read-only; takes what its peer sends.
    Secondary,
}

/// How replication of a volume fares, as a driver reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Copies arrive.
    Healthy,
    /// Copies cannot arrive now, or content is not complete yet.
    Degraded,
    /// Both sides were written: only a resync with force, which discards one side, helps.
    Error,
}

/// What a driver answers when asked for the state of a volume's replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorInfo {
    /// The role on the cluster that was asked.
    pub role: Role,
    /// How it fares.
    pub health: Health,
    /// The last copy that arrived on the other side.
    pub last_sync: Option<SyncRecord>,
    /// The handle of the replica on the other array.
    pub destination_handle: String,
}

#[derive(Clone, Debug)]
pub(super) struct Mirror {
    pub(super) role: Role,
    pub(super) peer: VolumeKey,
    /// The unit whose cuts carry this volume.
    pub(super) unit: String,
    /// As secondary: this side demoted itself, or has received the last cut of a peer that did. A promotion then loses
    /// nothing.
    pub(super) orderly: bool,
    pub(super) promoted_by_force: bool,
    pub(super) last_sync: Option<SyncRecord>,
}

/// What a driver call is about: one volume, or a consistency group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A volume by its handle.
    Volume(String),
    /// A volume group by its handle.
    Group(String),
}

impl From<&str> for Source {
    fn from(handle: &str) -> Self {
        Self::Volume(handle.to_owned())
    }
}

impl From<&String> for Source {
    fn from(handle: &String) -> Self {
        Self::Volume(handle.clone())
    }
}

impl From<&Self> for Source {
    fn from(source: &Self) -> Self {
        source.clone()
    }
}

impl StorageSystem {
    /// Makes a volume or a group replicate to the peer array, this side being the primary; `interval` is how often a
    /// copy starts, by default that of the link. What is replicated already, in either role, stays as it is.
    ///
    /// # Errors
    /// `FailedPrecondition` if the array has no peer, or a volume is already replicated as part of something else.
    pub fn enable(
        &mut self,
        cluster: &str,
        source: impl Into<Source>,
        interval: Option<Duration>,
    ) -> Result<(), DriverError> {
        let source = source.into();
        let keys = self.members(cluster, &source)?;
        let array = self.array_of(cluster)?;
        let peer_array = self.peer_array(&array)?;
        let unit = match &source {
            Source::Group(id) => id.clone(),
            Source::Volume(_) => keys.first().map_or_else(String::new, |key| {
                self.volumes.get(key).map_or_else(String::new, |v| v.lineage.to_string())
            }),
        };
        for key in &keys {
            if let Some(mirror) = &self.volume(key)?.mirror
                && mirror.unit != unit
            {
                let message = format!("volume {key} is replicated as part of {}", mirror.unit);
                return Err(DriverError::new(Code::FailedPrecondition, message));
            }
        }
        let own_handles = self.arrays.get(&peer_array).is_some_and(|array| array.config.own_destination_handles);
        let fresh: Vec<VolumeKey> =
            keys.iter().filter(|key| self.volumes.get(*key).is_some_and(|v| v.mirror.is_none())).cloned().collect();
        for key in &fresh {
            let handle = if own_handles { format!("{}-on-{peer_array}", key.handle) } else { key.handle.clone() };
            let peer = VolumeKey { array: peer_array.clone(), handle };
            let mirror = Mirror {
                role: Role::Primary,
                peer,
                unit: unit.clone(),
                orderly: false,
                promoted_by_force: false,
                last_sync: None,
            };
            self.volume_mut(key)?.mirror = Some(mirror);
            self.tell(&key.to_string(), &format!("replicates to {peer_array}"));
        }
        self.start_unit(&unit, &array, &peer_array, &keys, interval);
        if let Source::Group(id) = &source {
            self.mirror_group(&peer_array, id, &keys);
        }
        Ok(())
    }

    /// Ends replication. On a primary the replica is deleted if it can be reached. On a secondary nothing is done: the
    /// replica goes when its primary lets it go. Ending what is not replicated succeeds.
    ///
    /// # Errors
    /// As [`StorageSystem::key`].
    pub fn disable(&mut self, cluster: &str, source: impl Into<Source>) -> Result<(), DriverError> {
        for key in self.members(cluster, &source.into())? {
            let Some(mirror) = self.volume(&key)?.mirror.clone() else { continue };
            if mirror.role == Role::Secondary {
                continue;
            }
            self.volume_mut(&key)?.mirror = None;
            self.leave_unit(&mirror.unit, &key);
            self.tell(&key.to_string(), "is no longer replicated");
            let replica = self.volumes.get(&mirror.peer).and_then(|peer| peer.mirror.as_ref());
            if self.connected(&key.array, &mirror.peer.array)
                && replica.is_some_and(|peer| peer.role == Role::Secondary)
            {
                self.remove(&mirror.peer);
            }
        }
        Ok(())
    }

    /// Makes a volume or a group writable on this cluster. Promoting a primary succeeds and changes nothing.
    ///
    /// # Errors
    /// Without force `FailedPrecondition` unless the peer was demoted and all it held is here. With force only when
    /// there is no complete content to promote, or the array wants a maintenance mode first.
    pub fn promote(&mut self, cluster: &str, source: impl Into<Source>, force: bool) -> Result<(), DriverError> {
        let keys = self.members(cluster, &source.into())?;
        for key in &keys {
            self.check_promotion(key, force)?;
        }
        for key in keys {
            self.apply_promotion(&key, force)?;
        }
        Ok(())
    }

    /// Makes a volume or a group read-only here; what its peer does not have yet is sent at once. Demoting a secondary
    /// changes nothing.
    ///
    /// # Errors
    /// `FailedPrecondition` if the volume is not replicated.
    pub fn demote(&mut self, cluster: &str, source: impl Into<Source>) -> Result<(), DriverError> {
        let keys = self.members(cluster, &source.into())?;
        for key in &keys {
            self.mirror(key)?;
        }
        let now = self.now;
        for key in keys {
            let taken_over = self.peer_is_primary(&key);
            let mirror = self.mirror_mut(&key)?;
            if mirror.role == Role::Secondary {
                continue;
            }
            mirror.role = Role::Secondary;
            mirror.orderly = !taken_over;
            mirror.promoted_by_force = false;
            let unit = mirror.unit.clone();
            self.close_tenures(&key);
            self.restart_unit(&unit, now);
            self.tell(&key.to_string(), "demoted");
        }
        Ok(())
    }

    /// Lets a secondary follow its peer again and tells whether it holds all that it can know of. With force, content
    /// that the peer does not have is discarded, and the whole volume is copied; never while no reachable primary holds
    /// a copy.
    ///
    /// # Errors
    /// `InvalidArgument` on a primary; `FailedPrecondition` without force when both sides were written.
    pub fn resync(&mut self, cluster: &str, source: impl Into<Source>, force: bool) -> Result<bool, DriverError> {
        let keys = self.members(cluster, &source.into())?;
        for key in &keys {
            if self.mirror(key)?.role == Role::Primary {
                return Err(DriverError::new(
                    Code::InvalidArgument,
                    format!("volume {key} is primary: demote it before a resync"),
                ));
            }
            if self.diverged(key) && !force {
                let message =
                    format!("split-brain detected on volume {key}: both sides were written, a resync needs force");
                return Err(DriverError::new(Code::FailedPrecondition, message));
            }
        }
        let mut ready = true;
        for key in keys {
            if self.diverged(&key) {
                self.discard(&key)?;
            }
            ready &= self.in_sync(&key);
        }
        Ok(ready)
    }

    /// The state of a volume's or a group's replication; of a group, that of its worst member.
    ///
    /// # Errors
    /// `NotFound` if it is not replicated.
    pub fn info(&self, cluster: &str, source: impl Into<Source>) -> Result<MirrorInfo, DriverError> {
        let mut worst: Option<MirrorInfo> = None;
        for key in self.members(cluster, &source.into())? {
            let mirror = self
                .volume(&key)?
                .mirror
                .as_ref()
                .ok_or_else(|| DriverError::new(Code::NotFound, format!("volume {key} is not replicated")))?;
            let info = MirrorInfo {
                role: mirror.role,
                health: self.health(&key, mirror),
                last_sync: mirror.last_sync.clone(),
                destination_handle: mirror.peer.handle.clone(),
            };
            if worst.as_ref().is_none_or(|seen| (seen.health as u8) < info.health as u8) {
                worst = Some(info);
            }
        }
        worst.ok_or_else(|| DriverError::new(Code::NotFound, "the group has no volumes"))
    }

    /// Whether the other side, being reachable, holds writes apart from this secondary's: neither content contains the
    /// other's.
    pub fn is_split_brain(&self, key: &VolumeKey) -> bool {
        self.diverged(key)
    }

    fn check_promotion(&self, key: &VolumeKey, force: bool) -> Result<(), DriverError> {
        let mirror = self.mirror(key)?;
        let refuse = |why: &str| {
            Err(DriverError::new(Code::FailedPrecondition, format!("failed to promote volume {key}: {why}")))
        };
        if mirror.role == Role::Primary {
            return Ok(());
        }
        if !self.volume(key)?.complete {
            return refuse("its content is not complete: a full copy has not arrived");
        }
        if force {
            let config = self.arrays.get(&key.array).map(|array| (&array.config, &array.maintenance));
            return match config {
                Some((config, maintenance))
                    if config.maintenance_before_forced_promotion && !maintenance.contains(&config.replication_id) =>
                {
                    refuse("replication into the array must be stopped first: no maintenance mode is active")
                }
                _ => Ok(()),
            };
        }
        if self.peer_is_primary(key) {
            return refuse("the peer is primary");
        }
        if mirror.orderly && !self.peer_is_ahead(key) {
            Ok(())
        } else {
            refuse("the peer was not demoted, or its last writes have not arrived")
        }
    }

    fn apply_promotion(&mut self, key: &VolumeKey, force: bool) -> Result<(), DriverError> {
        let now = self.now;
        let mirror = self.mirror_mut(key)?;
        if mirror.role == Role::Primary {
            return Ok(());
        }
        mirror.role = Role::Primary;
        mirror.promoted_by_force = force && !mirror.orderly;
        mirror.orderly = false;
        let unit = mirror.unit.clone();
        self.restart_unit(&unit, now);
        let writes = self.journal.count(self.volume(key)?.head);
        self.tell(&key.to_string(), &format!("promoted{} with {writes} writes", if force { " by force" } else { "" }));
        Ok(())
    }

    /// Throws away the content of a secondary whose reachable peer is primary.
    fn discard(&mut self, key: &VolumeKey) -> Result<(), DriverError> {
        let now = self.now;
        let volume = self.volume_mut(key)?;
        let head = volume.head.take();
        volume.complete = false;
        let unit = volume.mirror.as_mut().map(|mirror| {
            mirror.orderly = false;
            mirror.unit.clone()
        });
        let writes = self.journal.count(head);
        self.tell(&key.to_string(), &format!("discards its {writes} writes and is copied anew"));
        if let Some(unit) = unit {
            self.restart_unit(&unit, now);
        }
        Ok(())
    }

    pub(super) fn diverged(&self, key: &VolumeKey) -> bool {
        let Some((volume, mirror)) = self.volumes.get(key).and_then(|v| v.mirror.as_ref().map(|m| (v, m))) else {
            return false;
        };
        let Some(peer) = self.volumes.get(&mirror.peer) else { return false };
        mirror.role == Role::Secondary && self.peer_is_primary(key) && !self.journal.contains(peer.head, volume.head)
    }

    /// Whether the other side can be reached and is seen to be primary.
    fn peer_is_primary(&self, key: &VolumeKey) -> bool {
        let Some(mirror) = self.volumes.get(key).and_then(|volume| volume.mirror.as_ref()) else { return false };
        let peer = self.volumes.get(&mirror.peer).and_then(|peer| peer.mirror.as_ref());
        self.connected(&key.array, &mirror.peer.array) && peer.is_some_and(|peer| peer.role == Role::Primary)
    }

    /// Whether the other side can be reached and is seen to hold writes that have not arrived here.
    fn peer_is_ahead(&self, key: &VolumeKey) -> bool {
        let Some((volume, mirror)) = self.volumes.get(key).and_then(|v| v.mirror.as_ref().map(|m| (v, m))) else {
            return false;
        };
        let peer = self.volumes.get(&mirror.peer).filter(|_| self.connected(&key.array, &mirror.peer.array));
        peer.is_some_and(|peer| peer.head != volume.head && self.journal.contains(peer.head, volume.head))
    }

    fn in_sync(&self, key: &VolumeKey) -> bool {
        let Some((volume, mirror)) = self.volumes.get(key).and_then(|v| v.mirror.as_ref().map(|m| (v, m))) else {
            return false;
        };
        let Some(peer) = self.volumes.get(&mirror.peer) else { return false };
        if !volume.complete || !self.flows(&key.array, &mirror.peer.array) {
            return false;
        }
        let peer_role = peer.mirror.as_ref().map(|mirror| mirror.role);
        match peer_role {
            // Lag behind a primary that goes on writing is no lack: copies follow it.
            Some(Role::Primary) => self.journal.contains(peer.head, volume.head),
            Some(Role::Secondary) => peer.head == volume.head,
            None => false,
        }
    }

    fn health(&self, key: &VolumeKey, mirror: &Mirror) -> Health {
        let peer = self.volumes.get(&mirror.peer);
        let both_primary = mirror.role == Role::Primary && self.peer_is_primary(key);
        if both_primary || self.diverged(key) || self.diverged(&mirror.peer) {
            return Health::Error;
        }
        let complete = |volume: Option<&Volume>| volume.is_some_and(|volume| volume.complete);
        let flows = self.flows(&key.array, &mirror.peer.array);
        if flows && complete(peer) && complete(self.volumes.get(key)) { Health::Healthy } else { Health::Degraded }
    }

    fn mirror(&self, key: &VolumeKey) -> Result<&Mirror, DriverError> {
        self.volume(key)?.mirror.as_ref().ok_or_else(|| not_replicated(key))
    }

    pub(super) fn mirror_mut(&mut self, key: &VolumeKey) -> Result<&mut Mirror, DriverError> {
        self.volume_mut(key)?.mirror.as_mut().ok_or_else(|| not_replicated(key))
    }
}

fn not_replicated(key: &VolumeKey) -> DriverError {
    DriverError::new(Code::FailedPrecondition, format!("mirroring is not enabled on volume {key}"))
}
