//! Requests counted from an API server's audit log.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use serde::Deserialize;

/// What a request is counted under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditKey {
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// Kubernetes' verb: get, list, watch, create, update, patch, delete, deletecollection.
    pub verb: String,
    /// The HTTP code it was answered with.
    pub code: u16,
}

/// How many requests were answered, by user agent, verb and code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditCounts(pub BTreeMap<AuditKey, u64>);

impl AuditCounts {
    /// Requests of this user agent that write (create, update, patch, delete, deletecollection), whatever they were
    /// answered with: a refused write costs the server too.
    #[must_use]
    pub fn writes(&self, user_agent: &str) -> u64 {
        const WRITES: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];
        self.sum(|key| key.user_agent == user_agent && WRITES.contains(&key.verb.as_str()))
    }

    /// Requests whose key the filter accepts.
    pub fn sum(&self, filter: impl Fn(&AuditKey) -> bool) -> u64 {
        self.0.iter().filter(|(key, _)| filter(key)).map(|(_, count)| count).sum()
    }
}

/// Reads the log from where it last stopped.
#[derive(Debug)]
pub(super) struct AuditLog {
    path: PathBuf,
    read: u64,
    counts: AuditCounts,
}

/// The fields of an audit event that are counted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    #[serde(default)]
    user_agent: String,
    response_status: Option<ResponseStatus>,
}

#[derive(Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

impl AuditLog {
    /// The policy that makes the server write one line of metadata when a request ends.
    pub(super) const POLICY: &'static str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n\
                                             omitStages: [RequestReceived, ResponseStarted]\n";

    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, read: 0, counts: AuditCounts::default() }
    }

    /// All requests that have ended so far. A watch is counted when it ends.
    pub(super) fn counts(&mut self) -> anyhow::Result<AuditCounts> {
        let mut file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            // The server opens its log with the first request.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(self.counts.clone()),
            Err(error) => return Err(error.into()),
        };
        file.seek(SeekFrom::Start(self.read))?;
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        loop {
            line.clear();
            let length = reader.read_line(&mut line)?;
            // A line without its end is still being written: the next call reads it whole.
            if !line.ends_with('\n') {
                return Ok(self.counts.clone());
            }
            self.read += length as u64;
            let event: Event = serde_json::from_str(&line)?;
            if event.stage == "ResponseComplete" || event.stage == "Panic" {
                let code = event.response_status.map_or(0, |status| status.code);
                let key = AuditKey { user_agent: event.user_agent, verb: event.verb, code };
                *self.counts.0.entry(key).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn line(agent: &str, verb: &str, code: u16) -> String {
        format!(
            "{{\"kind\":\"Event\",\"stage\":\"ResponseComplete\",\"verb\":\"{verb}\",\"userAgent\":\"{agent}\",\
             \"responseStatus\":{{\"metadata\":{{}},\"code\":{code}}}}}\n"
        )
    }

    /// Writes per action are a promise of the project: a request counted twice, or lost, would make it untrue.
    #[test]
    fn every_line_is_counted_once_even_when_read_while_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let mut log = AuditLog::new(path.clone());
        assert_eq!(log.counts().unwrap(), AuditCounts::default());
        let mut file = std::fs::File::create(&path).unwrap();
        let second = line("ramen", "patch", 409);
        let (head, tail) = second.split_at(40);
        write!(file, "{}{head}", line("ramen", "get", 200)).unwrap();
        assert_eq!(log.counts().unwrap().writes("ramen"), 0);
        write!(file, "{tail}{}", line("other", "create", 201)).unwrap();
        let counts = log.counts().unwrap();
        assert_eq!((counts.writes("ramen"), counts.writes("other"), counts.sum(|_| true)), (1, 1, 3));
        assert_eq!(log.counts().unwrap(), counts);
    }
}
