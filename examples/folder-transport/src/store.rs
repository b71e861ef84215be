//! Records as files: `<folder>/<cluster>/<name>.json`.
//!
//! A record is replaced by renaming a finished file over it, so that a reader sees it whole, before or after. Programs that share
//! the folder take turns by a lock on `<folder>/.lock`; a write compares the version that its caller read.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use ramen_core::{
    intercluster::{
        DeletePolicy, Failure, FailureClass, Intent, IntentId, IntentSelector, Revision,
        agent::{RecordStore, Report, Signals, StoreLimits, StoredRecord},
    },
    time::{Clock, Deadline},
};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::LOOK_EVERY;

/// Keeps intents in a folder.
#[derive(Debug)]
pub struct FolderStore {
    folder: Arc<PathBuf>,
    clock: Arc<dyn Clock>,
    changed: Arc<Signals<IntentId, ()>>,
    _look: JoinSet<()>,
}

impl FolderStore {
    /// Opens the folder, which must exist.
    ///
    /// # Errors
    /// `Unreachable` if it cannot be written to.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let folder = Arc::new(folder.to_owned());
        File::create(folder.join(".lock")).map_err(|e| unreachable(&folder, &e))?;
        let changed = Arc::new(Signals::default());
        let mut look = JoinSet::new();
        look.spawn(look_around(folder.clone(), changed.clone()));
        Ok(Self { folder, clock, changed, _look: look })
    }

    fn path(&self, id: &IntentId) -> PathBuf {
        self.folder.join(id.cluster.as_str()).join(format!("{}.json", id.name))
    }

    /// Changes the record while nobody else does, if it is as `current` was; `change` answers with its next state, `None` to
    /// remove it.
    fn update(
        &self,
        id: &IntentId,
        current: Option<&StoredRecord>,
        change: impl FnOnce(Option<StoredRecord>) -> Option<StoredRecord>,
    ) -> Result<Option<StoredRecord>, Failure> {
        let lock = File::open(self.folder.join(".lock")).map_err(|e| unreachable(&self.folder, &e))?;
        lock.lock().map_err(|e| unreachable(&self.folder, &e))?;
        let present = read(&self.path(id))?;
        if present.as_ref().map(|r| &r.version) != current.map(|r| &r.version) {
            return Err(Failure::new(FailureClass::Conflict, "the record was changed by another writer").about(id));
        }
        let version = present.as_ref().and_then(|r| r.version.rsplit_once('/')?.1.parse().ok()).unwrap_or(0u64);
        let path = self.path(id);
        let next = change(present).map(|record| {
            let version = format!("{}/{}", record.revision.incarnation, version + 1);
            StoredRecord { version, ..record }
        });
        let done = next.as_ref().map_or_else(|| fs::remove_file(&path), |record| write(&path, record));
        done.map_err(|e| unreachable(&path, &e))?;
        self.changed.notify(id, &());
        Ok(next)
    }
}

fn read(path: &Path) -> Result<Option<StoredRecord>, Failure> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|e| {
            Failure::new(FailureClass::Malformed, e).about(path.display()).remedy("restore or remove the file")
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreachable(path, &e)),
    }
}

fn write(path: &Path, record: &StoredRecord) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_extension("tmp");
    let mut file = File::create(&unfinished)?;
    file.write_all(&serde_json::to_vec_pretty(record)?)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

/// All records, by id; files that cannot be understood are left out with a warning in their place.
fn read_all(folder: &Path) -> io::Result<BTreeMap<IntentId, StoredRecord>> {
    let mut records = BTreeMap::new();
    for cluster in fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()? {
        if !cluster.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(cluster.path())?.collect::<io::Result<Vec<_>>>()? {
            if file.path().extension().is_some_and(|e| e == "json")
                && let Ok(Some(record)) = read(&file.path())
            {
                records.insert(record.intent.id.clone(), record);
            }
        }
    }
    Ok(records)
}

fn unreachable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(FailureClass::Unreachable, error)
        .about(path.display())
        .remedy("mount the folder, and let the program read and write it")
}

/// Tells what other programs changed, by comparing versions.
async fn look_around(folder: Arc<PathBuf>, changed: Arc<Signals<IntentId, ()>>) {
    let mut known: BTreeMap<IntentId, String> = BTreeMap::new();
    loop {
        if let Ok(records) = read_all(&folder) {
            let now: BTreeMap<_, _> = records.into_iter().map(|(id, record)| (id, record.version)).collect();
            let differs = |id: &&IntentId| known.get(*id) != now.get(*id);
            for id in known.keys().chain(now.keys()).filter(differs) {
                changed.notify(id, &());
            }
            known = now;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[async_trait]
impl RecordStore for FolderStore {
    fn limits(&self) -> StoreLimits {
        // With ".json" and ".tmp" within the 255 bytes that file systems allow a name.
        StoreLimits { max_name_length: 240, max_intent_bytes: 1 << 20 }
    }

    async fn get(&self, id: &IntentId, _: Deadline) -> Result<Option<StoredRecord>, Failure> {
        read(&self.path(id))
    }

    async fn list(&self, selector: &IntentSelector, _: Deadline) -> Result<Vec<StoredRecord>, Failure> {
        let records = read_all(&self.folder).map_err(|e| unreachable(&self.folder, &e))?;
        let on_cluster = |id: &IntentId| selector.cluster.as_ref().is_none_or(|c| *c == id.cluster);
        let labelled = |intent: &Intent| selector.labels.iter().all(|(k, v)| intent.labels.get(k) == Some(v));
        Ok(records.into_values().filter(|r| on_cluster(&r.intent.id) && labelled(&r.intent)).collect())
    }

    async fn put(
        &self,
        intent: &Intent,
        current: Option<&StoredRecord>,
        above: u64,
        _: Deadline,
    ) -> Result<StoredRecord, Failure> {
        let written = self.update(&intent.id, current, |present| {
            let number = above.max(present.as_ref().map_or(0, |r| r.revision.number)) + 1;
            // A record created anew is another incarnation: the time of its creation, with the name, tells them apart.
            let incarnation = present
                .as_ref()
                .map_or_else(|| format!("{:x}", self.clock.now().as_nanosecond()), |r| r.revision.incarnation.clone());
            Some(StoredRecord {
                intent: intent.clone(),
                revision: Revision { incarnation, number },
                version: String::new(),
                backing: Value::Null,
                held: true,
                foreign: false,
                ending: None,
                report: present.and_then(|r| r.report),
            })
        })?;
        written.ok_or_else(|| Failure::new(FailureClass::Conflict, "the record vanished").about(&intent.id))
    }

    async fn end(&self, current: &StoredRecord, policy: DeletePolicy, _: Deadline) -> Result<(), Failure> {
        let end = |present: Option<StoredRecord>| present.map(|r| StoredRecord { ending: Some(policy), ..r });
        self.update(&current.intent.id, Some(current), end).map(drop)
    }

    async fn hold(&self, current: &StoredRecord, _: Deadline) -> Result<StoredRecord, Failure> {
        // Who removes the file by hand removes the intent without a trace: the objects stay.
        Ok(current.clone())
    }

    async fn report(&self, current: &StoredRecord, report: &Report, _: Deadline) -> Result<(), Failure> {
        let id = &current.intent.id;
        // The report is about a revision that it names: a record that has moved on meanwhile still keeps it.
        let Some(present) = read(&self.path(id))?.filter(|r| r.revision.incarnation == report.revision.incarnation)
        else {
            return Ok(());
        };
        if present.report.as_ref() == Some(report) {
            return Ok(());
        }
        let tell = |record: Option<StoredRecord>| record.map(|r| StoredRecord { report: Some(report.clone()), ..r });
        self.update(id, Some(&present), tell).map(drop)
    }

    async fn finish(&self, current: &StoredRecord, _: Deadline) -> Result<(), Failure> {
        self.update(&current.intent.id, Some(current), |_| None).map(drop)
    }

    fn watch(&self) -> BoxStream<'static, IntentId> {
        self.changed.subscribe().map(|(id, ())| id).boxed()
    }
}
