//! Copying from primary to secondary, with lag, one consistent cut for each unit.

use std::{collections::BTreeSet, time::Duration};

use super::{
    error::{Code, DriverError},
    journal::Head,
    mirror::{Mirror, Role, Source},
    system::{StorageSystem, Volume, VolumeKey},
};

/// The way between two arrays.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// How often a copy starts, unless the replicated volume says otherwise. At least one second.
    pub interval: Duration,
    /// How long a copy takes whatever its size.
    pub latency: Duration,
    /// What passes in a second; `None` for no limit.
    pub bytes_per_second: Option<u64>,
}

impl Default for LinkConfig {
    /// A copy every minute, two seconds under way, without limit.
    fn default() -> Self {
        Self { interval: Duration::from_secs(60), latency: Duration::from_secs(2), bytes_per_second: None }
    }
}

/// One copy that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRecord {
    /// The moment whose content it carries, as virtual time.
    pub cut_at: Duration,
    /// How long it was under way.
    pub duration: Duration,
    /// How much it carried.
    pub bytes: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Link {
    config: LinkConfig,
    up: bool,
    stalled: bool,
}

/// Volumes that are copied together, as (key on one array, key on the other).
#[derive(Clone, Debug)]
pub(super) struct Unit {
    arrays: (String, String),
    members: Vec<(VolumeKey, VolumeKey)>,
    interval: Duration,
    next: Duration,
    flight: Option<Flight>,
}

/// A cut on its way.
#[derive(Clone, Debug)]
struct Flight {
    from: String,
    heads: Vec<(VolumeKey, VolumeKey, Head)>,
    started: Duration,
    arrives: Duration,
    bytes: u64,
    /// The source was demoted: nothing follows this cut.
    last: bool,
}

impl StorageSystem {
    /// Makes two arrays replicate to each other.
    pub fn pair(&mut self, one: &str, other: &str, config: LinkConfig) {
        for (array, peer) in [(one, other), (other, one)] {
            if let Some(array) = self.arrays.get_mut(array) {
                array.peer = Some(peer.to_owned());
            }
        }
        self.links.insert(link_key(one, other), Link { config, up: true, stalled: false });
    }

    /// Cuts or heals the link between two arrays. What was under way when it was cut arrives after it is healed, if
    /// still wanted then.
    pub fn set_link_up(&mut self, one: &str, other: &str, up: bool) {
        if let Some(link) = self.links.get_mut(&link_key(one, other)) {
            link.up = up;
            self.tell(&format!("{one} <-> {other}"), if up { "link healed" } else { "link cut" });
        }
    }

    /// Lets copies between two arrays never finish, though both sides answer, until this is called with `false`.
    pub fn set_link_stalled(&mut self, one: &str, other: &str, stalled: bool) {
        if let Some(link) = self.links.get_mut(&link_key(one, other)) {
            link.stalled = stalled;
            self.tell(&format!("{one} <-> {other}"), if stalled { "copies stall" } else { "copies flow again" });
        }
    }

    /// Starts or ends maintenance of what replicates into the cluster's array under the given replication id: while it
    /// lasts no copy arrives.
    ///
    /// # Errors
    /// As [`StorageSystem::array_of`].
    pub fn set_maintenance(&mut self, cluster: &str, replication_id: &str, active: bool) -> Result<(), DriverError> {
        let name = self.array_of(cluster)?;
        let Some(array) = self.arrays.get_mut(&name) else { return Ok(()) };
        let changed = if active {
            array.maintenance.insert(replication_id.to_owned())
        } else {
            array.maintenance.remove(replication_id)
        };
        if changed {
            self.tell(&name, &format!("maintenance of {replication_id} {}", if active { "begins" } else { "ends" }));
        }
        Ok(())
    }

    /// Bytes of the unit a volume belongs to that are under way now.
    ///
    /// # Errors
    /// As [`StorageSystem::key`].
    pub fn bytes_in_flight(&self, cluster: &str, handle: &str) -> Result<u64, DriverError> {
        let volume = self.volume(&self.key(cluster, handle)?)?;
        let unit = volume.mirror.as_ref().and_then(|mirror| self.units.get(&mirror.unit));
        Ok(unit.and_then(|unit| unit.flight.as_ref()).map_or(0, |flight| flight.bytes))
    }

    /// Lets time pass until `to`: copies start, arrive and repeat. Going back in time is not possible and does nothing.
    pub fn advance(&mut self, to: Duration) {
        loop {
            self.create_missing_replicas();
            match self.next_event() {
                Some(at) if at <= to => {
                    self.now = self.now.max(at);
                    self.step();
                }
                _ => break,
            }
        }
        self.now = self.now.max(to);
    }

    /// When a copy will start or arrive next, if no call and no fault comes before.
    pub fn next_event(&self) -> Option<Duration> {
        self.units.values().filter_map(|unit| self.due(unit)).map(|at| at.max(self.now)).min()
    }

    fn due(&self, unit: &Unit) -> Option<Duration> {
        match &unit.flight {
            Some(flight) => self.may_arrive(unit, flight).then_some(flight.arrives),
            None => self.direction(unit).map(|_| unit.next),
        }
    }

    /// Starts or lands every cut whose time has come.
    fn step(&mut self) {
        let due: Vec<String> = self
            .units
            .iter()
            .filter(|(_, unit)| self.due(unit).is_some_and(|at| at <= self.now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let Some(mut unit) = self.units.remove(&id) else { continue };
            match unit.flight.take() {
                Some(flight) => self.land(&mut unit, &flight),
                None => self.launch(&mut unit),
            }
            self.units.insert(id, unit);
        }
    }

    fn launch(&mut self, unit: &mut Unit) {
        let Some(from) = self.direction(unit) else { return };
        let to = if from == unit.arrays.0 { &unit.arrays.1 } else { &unit.arrays.0 };
        let Some(link) = self.links.get(&link_key(&from, to)) else { return };
        let (mut heads, mut bytes, mut last) = (Vec::new(), 0, false);
        for (source, destination) in unit.members.iter().map(|pair| oriented(pair, &from)) {
            let (Some(volume), Some(replica)) = (self.volumes.get(source), self.volumes.get(destination)) else {
                return;
            };
            bytes += self.journal.total_bytes(volume.head).saturating_sub(self.journal.total_bytes(replica.head));
            last = volume.mirror.as_ref().is_some_and(|mirror| mirror.role == Role::Secondary);
            heads.push((source.clone(), destination.clone(), volume.head));
        }
        let transfer = link
            .config
            .bytes_per_second
            .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64));
        let arrives = self.now + link.config.latency + transfer;
        unit.next = self.now + unit.interval;
        unit.flight = Some(Flight { from, heads, started: self.now, arrives, bytes, last });
    }

    fn land(&mut self, unit: &mut Unit, flight: &Flight) {
        let record = SyncRecord { cut_at: flight.started, duration: self.now - flight.started, bytes: flight.bytes };
        for (source, destination, head) in &flight.heads {
            let capacity = self.volumes.get(source).map_or(0, |volume| volume.capacity);
            let Some(replica) = self.volumes.get_mut(destination) else { continue };
            let first = !replica.complete;
            replica.head = *head;
            replica.complete = true;
            // A volume that grew grows on the other side with its content.
            replica.capacity = replica.capacity.max(capacity);
            if let Some(mirror) = replica.mirror.as_mut() {
                mirror.last_sync = Some(record.clone());
                mirror.orderly = flight.last;
            }
            if let Some(mirror) = self.volumes.get_mut(source).and_then(|volume| volume.mirror.as_mut()) {
                mirror.last_sync = Some(record.clone());
            }
            if first || flight.last || flight.bytes > 0 {
                let writes = self.journal.count(*head);
                let what = if flight.last {
                    "last cut"
                } else if first {
                    "full copy"
                } else {
                    "cut"
                };
                self.tell(
                    &destination.to_string(),
                    &format!("{what} from {} arrived, {} bytes, now {writes} writes", flight.from, flight.bytes),
                );
            }
        }
        unit.next = unit.next.max(self.now);
    }

    /// The array from which a unit is to be copied now. `None`: nothing may, or needs to, be copied.
    fn direction(&self, unit: &Unit) -> Option<String> {
        let (one, other) = (&unit.arrays.0, &unit.arrays.1);
        [(one, other), (other, one)]
            .into_iter()
            .find(|(from, to)| self.flows_into(from, to) && self.all_sources(unit, from))
            .map(|(from, _)| from.clone())
    }

    fn all_sources(&self, unit: &Unit, from: &str) -> bool {
        !unit.members.is_empty()
            && unit.members.iter().map(|pair| oriented(pair, from)).all(|(source, destination)| {
                let (Some((volume, mirror)), Some((replica, replica_mirror))) =
                    (self.mirrored(source), self.mirrored(destination))
                else {
                    return false;
                };
                // A side that demoted itself earlier does not know of what its peer wrote since.
                let behind = volume.head != replica.head;
                let wanted = mirror.role == Role::Primary || (mirror.orderly && (behind || !replica_mirror.orderly));
                wanted
                    && volume.complete
                    && replica_mirror.role == Role::Secondary
                    && self.journal.contains(volume.head, replica.head)
            })
    }

    fn may_arrive(&self, unit: &Unit, flight: &Flight) -> bool {
        let to = if flight.from == unit.arrays.0 { &unit.arrays.1 } else { &unit.arrays.0 };
        self.flows_into(&flight.from, to) && self.all_sources(unit, &flight.from)
    }

    fn mirrored(&self, key: &VolumeKey) -> Option<(&Volume, &Mirror)> {
        self.volumes.get(key).and_then(|volume| volume.mirror.as_ref().map(|mirror| (volume, mirror)))
    }

    /// Creates, as soon as the peer can be reached, the replica of every primary that has none.
    fn create_missing_replicas(&mut self) {
        let missing: Vec<(VolumeKey, Volume, Mirror)> = self
            .volumes
            .iter()
            .filter_map(|(key, volume)| volume.mirror.as_ref().map(|mirror| (key, volume, mirror)))
            .filter(|(key, _, mirror)| mirror.role == Role::Primary && self.connected(&key.array, &mirror.peer.array))
            .filter(|(_, _, mirror)| !self.volumes.contains_key(&mirror.peer))
            .map(|(key, volume, mirror)| (key.clone(), volume.clone(), mirror.clone()))
            .collect();
        for (key, volume, mirror) in missing {
            let destination = mirror.peer.clone();
            let mirror = Mirror {
                role: Role::Secondary,
                peer: key,
                orderly: false,
                promoted_by_force: false,
                last_sync: None,
                ..mirror
            };
            let replica =
                Volume { head: None, complete: false, mirror: Some(mirror), attachments: BTreeSet::new(), ..volume };
            self.volumes.insert(destination, replica);
        }
    }

    /// Makes sure that a unit exists and carries these volumes of `array`.
    pub(super) fn start_unit(
        &mut self,
        id: &str,
        array: &str,
        peer_array: &str,
        keys: &[VolumeKey],
        interval: Option<Duration>,
    ) {
        let default = self.links.get(&link_key(array, peer_array)).map_or(Duration::ZERO, |link| link.config.interval);
        let members = keys
            .iter()
            .filter_map(|key| self.mirrored(key).map(|(_, mirror)| (key.clone(), mirror.peer.clone())))
            .collect();
        let interval = interval.unwrap_or(default).max(Duration::from_secs(1));
        let now = self.now;
        let unit = self.units.entry(id.to_owned()).or_insert_with(|| Unit {
            arrays: (array.to_owned(), peer_array.to_owned()),
            members: Vec::new(),
            interval,
            next: now,
            flight: None,
        });
        unit.interval = interval;
        if unit.arrays.0 == array {
            unit.members = members;
        } else {
            unit.members = members.into_iter().map(|(here, there)| (there, here)).collect();
        }
    }

    /// Takes a volume out of its unit; what was under way is cut anew without it.
    pub(super) fn leave_unit(&mut self, id: &str, key: &VolumeKey) {
        let Some(unit) = self.units.get_mut(id) else { return };
        unit.members.retain(|(one, other)| one != key && other != key);
        unit.flight = None;
        unit.next = self.now;
        if unit.members.is_empty() {
            self.units.remove(id);
        }
    }

    /// Forgets what was under way and starts a new cut at once.
    pub(super) fn restart_unit(&mut self, id: &str, now: Duration) {
        if let Some(unit) = self.units.get_mut(id) {
            unit.flight = None;
            unit.next = now;
        }
    }

    /// Whether both arrays are up and the link between them carries calls.
    pub(super) fn connected(&self, one: &str, other: &str) -> bool {
        let up = |array: &str| self.arrays.get(array).is_some_and(|array| array.up);
        up(one) && up(other) && self.links.get(&link_key(one, other)).is_some_and(|link| link.up)
    }

    /// Whether copies go through between two arrays, in either direction.
    pub(super) fn flows(&self, one: &str, other: &str) -> bool {
        self.connected(one, other) && self.links.get(&link_key(one, other)).is_some_and(|link| !link.stalled)
    }

    fn flows_into(&self, from: &str, to: &str) -> bool {
        let stopped = self.arrays.get(to).is_some_and(|array| array.maintenance.contains(&array.config.replication_id));
        self.flows(from, to) && !stopped
    }

    pub(super) fn peer_array(&self, array: &str) -> Result<String, DriverError> {
        self.arrays
            .get(array)
            .and_then(|array| array.peer.clone())
            .ok_or_else(|| DriverError::new(Code::FailedPrecondition, format!("array {array} has no replication peer")))
    }

    /// The volumes that a call is about.
    pub(super) fn members(&self, cluster: &str, source: &Source) -> Result<Vec<VolumeKey>, DriverError> {
        match source {
            Source::Volume(handle) => Ok(vec![self.key(cluster, handle)?]),
            Source::Group(id) => self.group_members(cluster, id),
        }
    }
}

fn link_key(one: &str, other: &str) -> (String, String) {
    if one <= other { (one.to_owned(), other.to_owned()) } else { (other.to_owned(), one.to_owned()) }
}

fn oriented<'a>(pair: &'a (VolumeKey, VolumeKey), from: &str) -> (&'a VolumeKey, &'a VolumeKey) {
    if pair.0.array == from { (&pair.0, &pair.1) } else { (&pair.1, &pair.0) }
}
