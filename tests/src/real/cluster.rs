//! One real cluster: an API server and its etcd.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::audit::{AuditCounts, AuditLog};
use super::credentials::{User, kubeconfig, signing_keys, token_file};
use super::ports;
use super::process::{Launch, Process};
use super::programs::Programs;
use super::proxy::Proxy;

/// Three pairs started side by side on two cores answer in 8 s; a loaded machine is given time.
const READY_DEADLINE: Duration = Duration::from_secs(120);

/// A kube-apiserver with its etcd on loopback ports.
///
/// Stopping and starting keeps ports, data and credentials, as a machine that was off does.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    programs: Programs,
    folder: PathBuf,
    ports: Ports,
    users: Vec<User>,
    authority: Vec<u8>,
    link: Proxy,
    running: Mutex<Option<Running>>,
    audit: std::sync::Mutex<AuditLog>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    etcd: u16,
    peers: u16,
    api: u16,
}

/// The API server goes first when both are dropped.
#[derive(Debug)]
struct Running {
    api: Process,
    etcd: Process,
}

impl Cluster {
    pub(super) async fn start_new(
        name: &str,
        users: Vec<User>,
        programs: &Programs,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(name);
        std::fs::create_dir_all(folder.join("certificates"))?;
        std::fs::write(folder.join("tokens.csv"), token_file(&users))?;
        std::fs::write(folder.join("audit-policy.yaml"), AuditLog::POLICY)?;
        let (private, public) = signing_keys()?;
        std::fs::write(folder.join("service-accounts.key"), private)?;
        std::fs::write(folder.join("service-accounts.pub"), public)?;
        let mut attempt = 1;
        let (ports, running) = loop {
            let ports = Ports { etcd: ports::free()?, peers: ports::free()?, api: ports::free()? };
            match run(name, programs, &folder, ports, &users).await {
                Ok(running) => break (ports, running),
                Err(error) if attempt < 3 && format!("{error:#}").contains("address already in use") => attempt += 1,
                Err(error) => return Err(error),
            }
        };
        Ok(Self {
            name: name.to_owned(),
            programs: programs.clone(),
            ports,
            users,
            authority: std::fs::read(folder.join("certificates/apiserver.crt"))?,
            link: Proxy::start(ports.api).await?,
            running: Mutex::new(Some(running)),
            audit: std::sync::Mutex::new(AuditLog::new(folder.join("audit.log"))),
            folder,
        })
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The proxy that linked kubeconfigs and clients go through; faults of the network are set there.
    #[must_use]
    pub fn link(&self) -> &Proxy {
        &self.link
    }

    /// The administrator's kubeconfig, straight to the server.
    ///
    /// # Errors
    /// None that a test can cause.
    pub fn kubeconfig(&self) -> anyhow::Result<Kubeconfig> {
        self.kubeconfig_for("admin", false)
    }

    /// A user's kubeconfig; `linked` leads it through [`Cluster::link`].
    ///
    /// # Errors
    /// The cluster was started without this user.
    pub fn kubeconfig_for(&self, user: &str, linked: bool) -> anyhow::Result<Kubeconfig> {
        let user = self.users.iter().find(|u| u.name == user).with_context(|| {
            let known: Vec<_> = self.users.iter().map(|u| u.name.as_str()).collect();
            format!("cluster {}: no user {user}, only {}", self.name, known.join(", "))
        })?;
        kubeconfig(&self.name, if linked { self.link.port() } else { self.ports.api }, &self.authority, user)
    }

    /// The administrator's client, straight to the server, counted in the audit log under this user agent.
    ///
    /// It does not retry: a test wants to see what the server answered.
    ///
    /// # Errors
    /// None that a test can cause.
    pub async fn client(&self, user_agent: &str) -> anyhow::Result<kube::Client> {
        client(self.kubeconfig()?, user_agent).await
    }

    /// The same through [`Cluster::link`].
    ///
    /// # Errors
    /// None that a test can cause.
    pub async fn linked_client(&self, user_agent: &str) -> anyhow::Result<kube::Client> {
        client(self.kubeconfig_for("admin", true)?, user_agent).await
    }

    /// A user's client, straight to the server.
    ///
    /// # Errors
    /// The cluster was started without this user.
    pub async fn client_for(&self, user: &str, user_agent: &str) -> anyhow::Result<kube::Client> {
        client(self.kubeconfig_for(user, false)?, user_agent).await
    }

    /// What the audit log has counted since the cluster was first started, the launcher's own readiness probes included.
    ///
    /// # Errors
    /// The log cannot be read, or holds a line that is no audit event.
    pub fn audit(&self) -> anyhow::Result<AuditCounts> {
        self.audit.lock().unwrap_or_else(std::sync::PoisonError::into_inner).counts()
    }

    /// Stops API server and etcd in order. Clients then get "connection refused".
    ///
    /// # Errors
    /// The processes cannot be signalled.
    pub async fn stop(&self) -> anyhow::Result<()> {
        if let Some(mut running) = self.running.lock().await.take() {
            running.api.stop().await?;
            running.etcd.stop().await?;
        }
        Ok(())
    }

    /// Kills API server and etcd with SIGKILL, as a power failure would.
    pub async fn kill(&self) {
        if let Some(mut running) = self.running.lock().await.take() {
            running.api.kill();
            running.etcd.kill();
        }
    }

    /// Starts a stopped or killed cluster again, on the same ports and data, and waits until it is ready. Nothing happens
    /// to one that runs.
    ///
    /// # Errors
    /// It does not become ready; the error carries the ends of its logs.
    pub async fn start(&self) -> anyhow::Result<()> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            *running = Some(run(&self.name, &self.programs, &self.folder, self.ports, &self.users).await?);
        }
        Ok(())
    }

    /// Stops the API server's process in its tracks (SIGSTOP): connections are accepted and never answered.
    ///
    /// # Errors
    /// The cluster does not run.
    pub async fn pause(&self) -> anyhow::Result<()> {
        self.signal("STOP").await
    }

    /// Lets a paused API server go on.
    ///
    /// # Errors
    /// The cluster does not run.
    pub async fn resume(&self) -> anyhow::Result<()> {
        self.signal("CONT").await
    }

    async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        match self.running.lock().await.as_ref() {
            Some(running) => running.api.signal(signal),
            None => bail!("cluster {}: it does not run, so it cannot be sent {signal}", self.name),
        }
    }

    /// Resident memory of the API server and of etcd, in bytes; Linux only.
    ///
    /// # Errors
    /// The cluster does not run, or the system has no /proc.
    pub async fn resident_memory(&self) -> anyhow::Result<(u64, u64)> {
        match self.running.lock().await.as_ref() {
            Some(running) => Ok((running.api.resident_memory()?, running.etcd.resident_memory()?)),
            None => bail!("cluster {}: it does not run", self.name),
        }
    }
}

async fn client(kubeconfig: Kubeconfig, user_agent: &str) -> anyhow::Result<kube::Client> {
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    config.headers.push((http::header::USER_AGENT, user_agent.parse()?));
    Ok(kube::Client::try_from(config)?)
}

/// Starts etcd and the API server and waits until both are ready.
async fn run(name: &str, programs: &Programs, folder: &Path, ports: Ports, users: &[User]) -> anyhow::Result<Running> {
    let mut etcd = Process::start(Launch {
        name: &format!("etcd of {name}"),
        program: &programs.etcd,
        args: etcd_flags(folder, ports),
        env: Vec::new(),
        log: folder.join("etcd.log"),
    })?;
    let deadline = Instant::now() + READY_DEADLINE;
    while tokio::net::TcpStream::connect(("127.0.0.1", ports.etcd)).await.is_err() {
        still_starting(&mut etcd, deadline)?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut api = Process::start(Launch {
        name: &format!("kube-apiserver of {name}"),
        program: &programs.kube_apiserver,
        args: api_flags(folder, ports),
        env: Vec::new(),
        log: folder.join("kube-apiserver.log"),
    })?;
    let Some(admin) = users.first() else { bail!("cluster {name}: it has no user") };
    while !ready(name, folder, ports, admin).await {
        still_starting(&mut etcd, deadline)?;
        still_starting(&mut api, deadline)?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Running { api, etcd })
}

/// Whether /readyz says so and the namespace `default`, which the server creates a moment later, is there.
async fn ready(name: &str, folder: &Path, ports: Ports, admin: &User) -> bool {
    let probe = async {
        // The server writes its certificate before it listens.
        let authority = std::fs::read(folder.join("certificates/apiserver.crt"))?;
        let client = client(kubeconfig(name, ports.api, &authority, admin)?, "launcher").await?;
        client.request_text(http::Request::get("/readyz").body(Vec::new())?).await?;
        client.request_text(http::Request::get("/api/v1/namespaces/default").body(Vec::new())?).await?;
        anyhow::Ok(())
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), probe).await, Ok(Ok(())))
}

fn still_starting(process: &mut Process, deadline: Instant) -> anyhow::Result<()> {
    if let Some(status) = process.exited()? {
        bail!("ended while starting ({status}); {}", process.log_tail());
    }
    if Instant::now() > deadline {
        bail!("not ready after {} s; {}", READY_DEADLINE.as_secs(), process.log_tail());
    }
    Ok(())
}

fn etcd_flags(folder: &Path, ports: Ports) -> Vec<OsString> {
    let (clients, peers) = (format!("http://127.0.0.1:{}", ports.etcd), format!("http://127.0.0.1:{}", ports.peers));
    let flags = [
        "--name=etcd".to_owned(),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=etcd={peers}"),
        // A test's data need not survive the machine; SIGKILL of the process loses nothing that was written.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    flags.into_iter().map(OsString::from).chain([path_flag("--data-dir", folder.join("etcd"))]).collect()
}

fn api_flags(folder: &Path, ports: Ports) -> Vec<OsString> {
    let flags = [
        format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", ports.api),
        "--authorization-mode=RBAC".to_owned(),
        // No controller creates the default service accounts that this plugin would ask for.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        // The Service `kubernetes` would be kept pointing at this server; nothing uses it.
        "--endpoint-reconciler-type=none".to_owned(),
    ];
    let paths = [
        ("--cert-dir", "certificates"),
        ("--token-auth-file", "tokens.csv"),
        ("--service-account-key-file", "service-accounts.pub"),
        ("--service-account-signing-key-file", "service-accounts.key"),
        ("--audit-policy-file", "audit-policy.yaml"),
        ("--audit-log-path", "audit.log"),
    ];
    let paths = paths.into_iter().map(|(flag, file)| path_flag(flag, folder.join(file)));
    flags.into_iter().map(OsString::from).chain(paths).collect()
}

fn path_flag(flag: &str, path: PathBuf) -> OsString {
    let mut argument = OsString::from(flag);
    argument.push("=");
    argument.push(path);
    argument
}
