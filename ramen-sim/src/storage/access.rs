//! Which cluster may write to which volume: attachment, role, fences.

use std::net::IpAddr;

use super::{
    error::IoError,
    journal::Write,
    mirror::Role,
    system::{StorageSystem, VolumeKey},
};

impl StorageSystem {
    /// Attaches a volume to a node of a cluster.
    ///
    /// # Errors
    /// When the cluster has no array, is fenced off it, or the volume does not exist. A secondary can be attached,
    /// though not written.
    pub fn attach(&mut self, cluster: &str, node: &str, handle: &str) -> Result<(), IoError> {
        let key = self.reach(cluster, handle)?;
        if let Some(volume) = self.volumes.get_mut(&key)
            && volume.attachments.insert((cluster.to_owned(), node.to_owned()))
        {
            self.tell(&key.to_string(), &format!("attached to {cluster}/{node}"));
        }
        Ok(())
    }

    /// Detaches a volume from a node. Detaching what is not attached succeeds.
    pub fn detach(&mut self, cluster: &str, node: &str, handle: &str) {
        let Some(site) = self.sites.get(cluster) else { return };
        let key = VolumeKey { array: site.array.clone(), handle: handle.to_owned() };
        if let Some(volume) = self.volumes.get_mut(&key)
            && volume.attachments.remove(&(cluster.to_owned(), node.to_owned()))
        {
            if !volume.attachments.iter().any(|(other, _)| other == cluster) {
                self.evidence.close_tenure(&key, cluster);
            }
            self.tell(&key.to_string(), &format!("detached from {cluster}/{node}"));
        }
    }

    /// Whether a write from this node would be acknowledged now.
    ///
    /// # Errors
    /// The reason why it would not.
    pub fn may_write(&self, cluster: &str, node: &str, handle: &str) -> Result<VolumeKey, IoError> {
        let key = self.reach(cluster, handle)?;
        let Some(volume) = self.volumes.get(&key) else { return Err(no_such_volume(&key)) };
        if !volume.attachments.contains(&(cluster.to_owned(), node.to_owned())) {
            return Err(IoError::NotAttached { handle: handle.to_owned(), node: node.to_owned() });
        }
        let writable = volume.mirror.as_ref().is_none_or(|mirror| mirror.role == Role::Primary);
        if !writable || !volume.complete {
            return Err(IoError::ReadOnly(key.to_string()));
        }
        Ok(key)
    }

    /// Writes `bytes` to a volume; the write is acknowledged when this returns.
    ///
    /// # Errors
    /// As [`StorageSystem::may_write`]; nothing is written then.
    pub fn write(
        &mut self,
        cluster: &str,
        node: &str,
        handle: &str,
        writer: &str,
        bytes: u64,
    ) -> Result<Write, IoError> {
        let key = self.may_write(cluster, node, handle)?;
        let Some(volume) = self.volumes.get_mut(&key) else { return Err(no_such_volume(&key)) };
        let write = Write {
            lineage: volume.lineage,
            number: 0,
            order: 0,
            cluster: cluster.to_owned(),
            writer: writer.to_owned(),
            at: self.now,
        };
        let (head, write) = self.journal.append(volume.head, bytes, write);
        volume.head = head;
        let forced = volume.mirror.as_ref().is_some_and(|mirror| mirror.promoted_by_force);
        self.evidence.acknowledged(&key, &write, forced);
        Ok(write)
    }

    /// Refuses an array to every node whose address lies in the given range. Repeating it is harmless.
    ///
    /// # Errors
    /// The text says which range is not in CIDR notation.
    pub fn fence(&mut self, array: &str, cidr: &str) -> Result<(), String> {
        parse_cidr(cidr)?;
        let Some(state) = self.arrays.get_mut(array) else { return Err(format!("array {array} does not exist")) };
        if state.fences.insert(cidr.to_owned()) {
            self.tell(array, &format!("fences {cidr}"));
        }
        self.evidence_of_fences();
        Ok(())
    }

    /// Takes a fence away. Repeating it is harmless.
    ///
    /// # Errors
    /// As [`StorageSystem::fence`].
    pub fn unfence(&mut self, array: &str, cidr: &str) -> Result<(), String> {
        parse_cidr(cidr)?;
        let Some(state) = self.arrays.get_mut(array) else { return Err(format!("array {array} does not exist")) };
        if state.fences.remove(cidr) {
            self.tell(array, &format!("no longer fences {cidr}"));
        }
        Ok(())
    }

    /// Whether any node of the cluster is fenced off the cluster's own array.
    pub fn is_fenced(&self, cluster: &str) -> bool {
        let Some(site) = self.sites.get(cluster) else { return false };
        let Some(array) = self.arrays.get(&site.array) else { return false };
        site.addresses.iter().any(|address| array.fences.iter().any(|cidr| contains(cidr, address)))
    }

    /// A fenced cluster holds no volume for writing any more.
    fn evidence_of_fences(&mut self) {
        let fenced: Vec<String> = self.sites.keys().filter(|cluster| self.is_fenced(cluster)).cloned().collect();
        let keys: Vec<VolumeKey> = self.volumes.keys().cloned().collect();
        for key in keys {
            for cluster in
                fenced.iter().filter(|cluster| self.sites.get(*cluster).is_some_and(|site| site.array == key.array))
            {
                self.evidence.close_tenure(&key, cluster);
            }
        }
    }

    /// The volume, if the cluster can reach it at all.
    fn reach(&self, cluster: &str, handle: &str) -> Result<VolumeKey, IoError> {
        let site = self.sites.get(cluster).ok_or_else(|| IoError::NoArray(cluster.to_owned()))?;
        let array = self.arrays.get(&site.array).ok_or_else(|| IoError::NoArray(cluster.to_owned()))?;
        if !array.up {
            return Err(IoError::ArrayDown(site.array.clone()));
        }
        if self.is_fenced(cluster) {
            return Err(IoError::Fenced { cluster: cluster.to_owned(), array: site.array.clone() });
        }
        let key = VolumeKey { array: site.array.clone(), handle: handle.to_owned() };
        if self.volumes.contains_key(&key) { Ok(key) } else { Err(no_such_volume(&key)) }
    }
}

fn no_such_volume(key: &VolumeKey) -> IoError {
    IoError::NoSuchVolume { array: key.array.clone(), handle: key.handle.clone() }
}

/// Splits CIDR notation. Host bits may be set (`198.51.100.17/24`), as csi-addons takes them.
fn parse_cidr(cidr: &str) -> Result<(u128, u32, bool), String> {
    let wrong = || format!("invalid CIDR address: {cidr}");
    let (address, length) = cidr.split_once('/').ok_or_else(wrong)?;
    let (bits, is_v6) = bits(address).ok_or_else(wrong)?;
    let length: u32 = length.parse().map_err(|_| wrong())?;
    if length > width(is_v6) {
        return Err(wrong());
    }
    Ok((bits, length, is_v6))
}

fn contains(cidr: &str, address: &str) -> bool {
    let (Ok((network, length, is_v6)), Some((host, host_is_v6))) = (parse_cidr(cidr), bits(address)) else {
        return false;
    };
    let free = width(is_v6) - length;
    // A shift by the whole width of u128 is not defined: ::/0 contains everything.
    is_v6 == host_is_v6 && (free == 128 || network >> free == host >> free)
}

fn bits(address: &str) -> Option<(u128, bool)> {
    match address.parse().ok()? {
        IpAddr::V4(v4) => Some((u128::from(v4.to_bits()), false)),
        IpAddr::V6(v6) => Some((v6.to_bits(), true)),
    }
}

fn width(is_v6: bool) -> u32 {
    if is_v6 { 128 } else { 32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_what_it_should_and_refuses_nonsense() {
        for (cidr, address, inside) in [
            ("10.0.0.0/8", "10.255.1.1", true),
            ("198.51.100.17/24", "198.51.100.200", true),
            ("198.51.100.17/32", "198.51.100.18", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            assert_eq!(contains(cidr, address), inside, "{address} in {cidr}");
        }
        for wrong in ["10.0.0.1", "10.0.0.0/33", "x/8", "10.0.0.0/", "::/129"] {
            assert!(parse_cidr(wrong).is_err(), "{wrong}");
        }
    }
}
