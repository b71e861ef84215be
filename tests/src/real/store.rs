//! One real S3 store.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::credentials::random_hex;
use super::ports;
use super::process::{Launch, Process};
use super::programs::Programs;
use super::proxy::Proxy;

const READY_DEADLINE: Duration = Duration::from_secs(60);

/// How to reach a store.
#[derive(Clone, Debug)]
pub struct StoreAccess {
    /// `http://127.0.0.1:PORT`; path-style addressing.
    pub endpoint: String,
    /// The region that signatures name.
    pub region: String,
    /// Access key of the store's only account.
    pub access_key: String,
    /// Its secret key.
    pub secret_key: String,
}

/// An S3 server (versitygw) whose buckets are folders. Stopping and starting keeps port, data and credentials.
#[derive(Debug)]
pub struct Store {
    name: String,
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    access_key: String,
    secret_key: String,
    link: Proxy,
    running: Mutex<Option<Process>>,
}

impl Store {
    const REGION: &'static str = "us-east-1";

    pub(super) async fn start_new(
        name: &str,
        buckets: &[String],
        programs: &Programs,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(name);
        std::fs::create_dir_all(folder.join("metadata"))?;
        for bucket in buckets {
            // S3's own rule; the server would answer every request for it with an error that names no reason.
            if bucket.len() < 3 {
                bail!("store {name}: bucket {bucket:?} is too short, S3 wants three characters or more");
            }
            std::fs::create_dir_all(folder.join("buckets").join(bucket))?;
        }
        let (access_key, secret_key) = (random_hex()?, random_hex()?);
        let mut attempt = 1;
        let (port, running) = loop {
            let port = ports::free()?;
            match run(name, &programs.versitygw, &folder, port, &access_key, &secret_key).await {
                Ok(running) => break (port, running),
                Err(error) if attempt < 3 && format!("{error:#}").contains("address already in use") => attempt += 1,
                Err(error) => return Err(error),
            }
        };
        Ok(Self {
            name: name.to_owned(),
            program: programs.versitygw.clone(),
            folder,
            port,
            access_key,
            secret_key,
            link: Proxy::start(port).await?,
            running: Mutex::new(Some(running)),
        })
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Endpoint and credentials, straight to the server.
    #[must_use]
    pub fn access(&self) -> StoreAccess {
        self.access_at(self.port)
    }

    /// The same through [`Store::link`].
    #[must_use]
    pub fn linked_access(&self) -> StoreAccess {
        self.access_at(self.link.port())
    }

    fn access_at(&self, port: u16) -> StoreAccess {
        StoreAccess {
            endpoint: format!("http://127.0.0.1:{port}"),
            region: Self::REGION.to_owned(),
            access_key: self.access_key.clone(),
            secret_key: self.secret_key.clone(),
        }
    }

    /// The proxy that [`Store::linked_access`] leads through; faults, 503 among them, are set there.
    #[must_use]
    pub fn link(&self) -> &Proxy {
        &self.link
    }

    /// Kills the server with SIGKILL; its objects stay.
    pub async fn kill(&self) {
        if let Some(mut running) = self.running.lock().await.take() {
            running.kill();
        }
    }

    /// Starts a killed store again. Nothing happens to one that runs.
    ///
    /// # Errors
    /// It does not answer; the error carries the end of its log.
    pub async fn start(&self) -> anyhow::Result<()> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            let (access, secret) = (&self.access_key, &self.secret_key);
            *running = Some(run(&self.name, &self.program, &self.folder, self.port, access, secret).await?);
        }
        Ok(())
    }
}

async fn run(
    name: &str,
    program: &Path,
    folder: &Path,
    port: u16,
    access_key: &str,
    secret_key: &str,
) -> anyhow::Result<Process> {
    let mut args: Vec<OsString> =
        ["--port", &format!("127.0.0.1:{port}"), "--quiet", "--keep-alive", "posix", "--sidecar"]
            .into_iter()
            .map(OsString::from)
            .collect();
    // Metadata beside the data: not every file system takes the extended attributes it would use otherwise.
    args.extend([folder.join("metadata").into(), folder.join("buckets").into()]);
    let mut server = Process::start(Launch {
        name: &format!("S3 store {name}"),
        program,
        args,
        env: vec![
            ("ROOT_ACCESS_KEY_ID", access_key.to_owned()),
            ("ROOT_SECRET_ACCESS_KEY", secret_key.to_owned()),
            ("VGW_REGION", Store::REGION.to_owned()),
        ],
        log: folder.join("versitygw.log"),
    })?;
    let deadline = Instant::now() + READY_DEADLINE;
    while answers(port).await.is_err() {
        if let Some(status) = server.exited()? {
            bail!("store {name}: ended while starting ({status}); {}", server.log_tail());
        }
        if Instant::now() > deadline {
            bail!("store {name}: not ready after {} s; {}", READY_DEADLINE.as_secs(), server.log_tail());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(server)
}

/// Any HTTP answer will do: an unsigned request is refused, by a server that works.
async fn answers(port: u16) -> anyhow::Result<()> {
    let probe = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await?;
        let mut start = [0; 5];
        stream.read_exact(&mut start).await?;
        anyhow::ensure!(&start == b"HTTP/", "no HTTP");
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(2), probe).await.context("no answer in 2 s")?
}
