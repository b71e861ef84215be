//! Every acknowledged write of a storage system, as a tree.
//!
//! The content of a volume is a path from its head to the root. Two replicas are alike when their heads are equal, one
//! is behind the other when its head lies on the other's path, and they have diverged otherwise. A snapshot costs
//! nothing: it is a head.

use std::time::Duration;

use super::system::Lineage;

/// A place in the tree: the content of a volume after one write. `None` in its place means an empty volume.
pub(super) type Head = Option<usize>;

/// One write that the storage acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The volume, the same for all of its replicas.
    pub lineage: Lineage,
    /// How many writes the volume held after this one: a number seen twice in a lineage means two writers that did not
    /// see each other.
    pub number: u64,
    /// The place of this write among all writes of the storage system.
    pub order: u64,
    /// The cluster that wrote.
    pub cluster: String,
    /// The pod, or whatever else, that wrote.
    pub writer: String,
    /// Virtual time of the acknowledgement.
    pub at: Duration,
}

#[derive(Clone, Debug)]
struct Node {
    parent: Head,
    checksum: u64,
    total_bytes: u64,
    write: Write,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    nodes: Vec<Node>,
}

impl Journal {
    /// Appends a write to the content at `parent`; the write's number and order are filled in here.
    pub(super) fn append(&mut self, parent: Head, bytes: u64, mut write: Write) -> (Head, Write) {
        let before = parent.and_then(|index| self.nodes.get(index));
        write.number = before.map_or(0, |node| node.write.number) + 1;
        write.order = self.nodes.len() as u64;
        let total_bytes = before.map_or(0, |node| node.total_bytes) + bytes;
        let checksum = mix(before.map_or(0, |node| node.checksum), &write);
        self.nodes.push(Node { parent, checksum, total_bytes, write: write.clone() });
        (Some(self.nodes.len() - 1), write)
    }

    pub(super) fn count(&self, head: Head) -> u64 {
        self.node(head).map_or(0, |node| node.write.number)
    }

    pub(super) fn checksum(&self, head: Head) -> u64 {
        self.node(head).map_or(0, |node| node.checksum)
    }

    pub(super) fn total_bytes(&self, head: Head) -> u64 {
        self.node(head).map_or(0, |node| node.total_bytes)
    }

    /// Whether the content at `newer` holds everything that the content at `older` holds.
    pub(super) fn contains(&self, newer: Head, older: Head) -> bool {
        let Some(wanted) = older else { return true };
        // A parent always has a smaller index than its child, so the walk may stop below the wanted one.
        let mut at = newer;
        while let Some(index) = at {
            if index <= wanted {
                return index == wanted;
            }
            at = self.nodes.get(index).and_then(|node| node.parent);
        }
        false
    }

    /// The writes of the content at `head`, oldest first.
    pub(super) fn path(&self, head: Head) -> Vec<&Write> {
        let mut writes = Vec::new();
        let mut at = head;
        while let Some(node) = self.node(at) {
            writes.push(&node.write);
            at = node.parent;
        }
        writes.reverse();
        writes
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Write> {
        self.nodes.iter().map(|node| &node.write)
    }

    fn node(&self, head: Head) -> Option<&Node> {
        head.and_then(|index| self.nodes.get(index))
    }
}

/// Folds a write into a checksum (FNV-1a over what identifies the write). It tells contents apart in a trace; it is no
/// proof against forgery.
fn mix(before: u64, write: &Write) -> u64 {
    let bytes = write.order.to_le_bytes().into_iter().chain(write.writer.bytes()).chain(write.cluster.bytes());
    bytes.fold(before ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
