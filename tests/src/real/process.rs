//! One server process, and the guarantee that it does not outlive the test.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;

/// The shell between the test and the server. It reads from a pipe whose other end only the test holds: when the test ends,
/// however it ends, the read returns and the server is killed. It prints the server's pid, so that signals reach the
/// server alone: a stopped shell could no longer watch the pipe.
const SUPERVISOR: &str = r#"
log=$1; shift
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
echo "$server"
exec >/dev/null 2>&1
{ read -r _; kill -KILL "$server"; } <&3 3<&- &
watch=$!
exec 3<&-
wait "$server"; code=$?
kill -KILL "$watch"
exit "$code"
"#;

/// A running (or ended) server.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    shell: Child,
    server: u32,
    log: PathBuf,
}

/// How to start a server.
#[derive(Debug)]
pub(super) struct Launch<'a> {
    pub(super) name: &'a str,
    pub(super) program: &'a Path,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(&'a str, String)>,
    pub(super) log: PathBuf,
}

impl Process {
    /// Starts the server; its output is appended to the log. It has only been started, not become ready.
    pub(super) fn start(launch: Launch<'_>) -> anyhow::Result<Self> {
        let Launch { name, program, args, env, log } = launch;
        let mut shell = Command::new("sh")
            .args(["-c", SUPERVISOR, name])
            .arg(&log)
            .arg(program)
            .args(args)
            .envs(env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // An own group: Ctrl-C in a terminal ends the test, and the test's end ends the servers, in that order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name}: cannot start a shell for {}", program.display()))?;
        let mut pid = String::new();
        if let Some(stdout) = shell.stdout.take() {
            BufReader::new(stdout).read_line(&mut pid)?;
        }
        let server =
            pid.trim().parse().with_context(|| format!("{name}: its supervisor printed {pid:?}, not a pid"))?;
        Ok(Self { name: name.to_owned(), shell, server, log })
    }

    /// How it ended, if it has.
    pub(super) fn exited(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.shell.try_wait()?)
    }

    /// The end of its log, for an error message.
    pub(super) fn log_tail(&self) -> String {
        match tail(&self.log, 4_000) {
            Ok(text) => format!("end of the log of {}:\n{text}", self.name),
            Err(error) => format!("the log of {} cannot be read: {error}", self.name),
        }
    }

    /// Sends a signal ("STOP", "CONT", "TERM") to the server alone.
    pub(super) fn signal(&self, signal: &str) -> anyhow::Result<()> {
        kill(signal, &self.server.to_string()).with_context(|| format!("{}: signal {signal}", self.name))
    }

    /// Its resident memory in bytes, from Linux' /proc.
    pub(super) fn resident_memory(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server))
            .with_context(|| format!("{}: memory is read from /proc, which only Linux has", self.name))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        kib.map(|kib: u64| kib * 1024).with_context(|| format!("{}: /proc names no resident memory", self.name))
    }

    /// Ends it in order: TERM, and KILL when it has not ended after ten seconds.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        if self.exited()?.is_some() {
            return Ok(());
        }
        self.signal("TERM")?;
        for _ in 0..200 {
            if self.exited()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.kill();
        Ok(())
    }

    /// Ends it as a power failure would (SIGKILL), and returns when it is gone.
    pub(super) fn kill(&mut self) {
        if matches!(self.shell.try_wait(), Ok(None)) {
            // The supervisor ends when the server has, so that ports and files are free when this returns.
            let _ = self.signal("KILL");
            let _ = self.shell.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `kill` of the shell: the standard library can only kill, and only direct children.
fn kill(signal: &str, target: &str) -> anyhow::Result<()> {
    let status =
        Command::new("sh").args(["-c", r#"kill -s "$0" -- "$1""#, signal, target]).stderr(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "no process {target}");
    Ok(())
}

fn tail(path: &Path, bytes: u64) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path) -> Process {
        let launch = Launch {
            name: "sleeper",
            program: Path::new("sh"),
            args: ["-c", "echo hello; exec sleep 600"].map(OsString::from).to_vec(),
            env: Vec::new(),
            log: folder.join("log"),
        };
        Process::start(launch).unwrap()
    }

    fn alive(pid: u32) -> bool {
        kill("0", &pid.to_string()).is_ok()
    }

    /// A panicking test must leave no server behind.
    #[test]
    fn dropping_ends_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        let server = process.server;
        assert!(alive(server));
        drop(process);
        assert!(!alive(server));
    }

    /// Nor one that is killed itself: then no destructor runs, only the pipe closes. Also while the server is paused.
    #[test]
    fn closing_the_pipe_ends_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = sleeper(folder.path());
        process.signal("STOP").unwrap();
        drop(process.shell.stdin.take());
        process.shell.wait().unwrap();
        assert!(!alive(process.server));
    }

    /// A server that ends by itself is told from one that is still starting, and its last words are kept.
    #[test]
    fn an_early_end_is_seen_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let launch = Launch {
            name: "failing",
            program: Path::new("sh"),
            args: ["-c", "echo no such flag; exit 3"].map(OsString::from).to_vec(),
            env: Vec::new(),
            log: folder.path().join("log"),
        };
        let mut process = Process::start(launch).unwrap();
        // Not `wait`: it closes the pipe first, and with it the server.
        let status = loop {
            match process.exited().unwrap() {
                Some(status) => break status,
                None => std::thread::yield_now(),
            }
        };
        assert_eq!(status.code(), Some(3));
        assert!(process.log_tail().ends_with("no such flag\n"));
    }
}
