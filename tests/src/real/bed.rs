//! Several real servers, started side by side and ended together.

use std::process::{Child, Command, Stdio};

use anyhow::Context;
use futures::future::try_join_all;
use tempfile::TempDir;

use super::cluster::Cluster;
use super::credentials::User;
use super::programs::Programs;
use super::store::Store;

/// Real clusters and stores of one test. Dropping it ends them and removes their data.
#[derive(Debug)]
pub struct Bed {
    clusters: Vec<Cluster>,
    stores: Vec<Store>,
    // Fields are dropped in this order: the servers end, their folder goes, and only then its guard.
    _folder: TempDir,
    _janitor: Janitor,
}

/// What to start.
#[derive(Debug, Default)]
pub struct BedBuilder {
    clusters: Vec<String>,
    stores: Vec<(String, Vec<String>)>,
    users: Vec<(String, Vec<String>)>,
}

impl Bed {
    /// Begins a bed without servers.
    #[must_use]
    pub fn builder() -> BedBuilder {
        BedBuilder::default()
    }

    /// A cluster by name.
    ///
    /// # Errors
    /// The bed has none of that name.
    pub fn cluster(&self, name: &str) -> anyhow::Result<&Cluster> {
        self.clusters.iter().find(|c| c.name() == name).with_context(|| format!("the bed has no cluster {name}"))
    }

    /// A store by name.
    ///
    /// # Errors
    /// The bed has none of that name.
    pub fn store(&self, name: &str) -> anyhow::Result<&Store> {
        self.stores.iter().find(|s| s.name() == name).with_context(|| format!("the bed has no store {name}"))
    }
}

impl BedBuilder {
    /// Adds a cluster. Every cluster has the users `admin` (may do everything) and `limited` (no rights until RBAC gives
    /// some).
    #[must_use]
    pub fn cluster(mut self, name: &str) -> Self {
        self.clusters.push(name.to_owned());
        self
    }

    /// Adds a user, in these groups, to every cluster.
    #[must_use]
    pub fn user(mut self, name: &str, groups: &[&str]) -> Self {
        self.users.push((name.to_owned(), groups.iter().map(|&g| g.to_owned()).collect()));
        self
    }

    /// Adds an S3 store with these buckets.
    #[must_use]
    pub fn store<'a>(mut self, name: &str, buckets: impl IntoIterator<Item = &'a str>) -> Self {
        self.stores.push((name.to_owned(), buckets.into_iter().map(str::to_owned).collect()));
        self
    }

    /// Starts everything at once and returns when all of it is ready.
    ///
    /// # Errors
    /// A program is missing, or a server does not become ready: the error names it and carries the end of its log. What had
    /// started is ended again.
    pub async fn start(self) -> anyhow::Result<Bed> {
        let programs = Programs::locate()?;
        let folder = tempfile::Builder::new().prefix("ramen-e2e-").tempdir()?;
        let janitor = Janitor::watch(&folder)?;
        let path = folder.path();
        let clusters =
            self.clusters.iter().map(|name| {
                let users = self.users();
                let programs = &programs;
                async move {
                    Cluster::start_new(name, users?, programs, path).await.with_context(|| format!("cluster {name}"))
                }
            });
        let stores = self.stores.iter().map(|(name, buckets)| Store::start_new(name, buckets, &programs, path));
        let (clusters, stores) = futures::future::try_join(try_join_all(clusters), try_join_all(stores)).await?;
        Ok(Bed { clusters, stores, _folder: folder, _janitor: janitor })
    }

    fn users(&self) -> anyhow::Result<Vec<User>> {
        let mut users = vec![User::new("admin", &["system:masters"])?, User::new("limited", &[])?];
        for (name, groups) in &self.users {
            users.push(User::new(name, &groups.iter().map(String::as_str).collect::<Vec<_>>())?);
        }
        Ok(users)
    }
}

/// Removes the folder when the test is killed: no destructor runs then.
#[derive(Debug)]
struct Janitor(Child);

impl Janitor {
    fn watch(folder: &TempDir) -> anyhow::Result<Self> {
        use std::os::unix::process::CommandExt;
        let child = Command::new("sh")
            // The servers are killed at the same moment; what they still write in their last is removed with the rest.
            .args(["-c", r#"read -r _; sleep 1; rm -rf -- "$0""#])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start a shell")?;
        Ok(Self(child))
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
