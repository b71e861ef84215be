//! Which requests a server has seen, counted by who sent them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::request::RequestInfo;

/// One request and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the server took it.
    pub at: Timestamp,
    /// What it asked for.
    pub request: RequestInfo,
    /// HTTP status of the answer; 0 while there is none, as for requests that faults swallow.
    pub code: u16,
}

/// Requests in the order in which the server took them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestLog {
    entries: Vec<Entry>,
}

impl RequestLog {
    pub(crate) fn begin(&mut self, at: Timestamp, request: RequestInfo) {
        self.entries.push(Entry { at, request, code: 0 });
    }

    pub(crate) fn end(&mut self, sequence: u64, code: u16) {
        let found = self.entries.binary_search_by_key(&sequence, |entry| entry.request.sequence);
        if let Ok(index) = found {
            self.entries[index].code = code;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// All requests, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many requests each user agent made with each verb.
    pub fn counts(&self) -> BTreeMap<(String, String), usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            *counts.entry((entry.request.agent.clone(), entry.request.verb.clone())).or_default() += 1;
        }
        counts
    }

    /// Writes that succeeded, of one user agent.
    pub fn writes(&self, agent: &str) -> usize {
        let counted = self.entries.iter().filter(|entry| {
            entry.request.agent == agent && entry.request.is_write() && (200..300).contains(&entry.code)
        });
        counted.count()
    }
}
