//! `kubectl` against a simulated cluster. Real time: sockets know nothing of virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use ramen_sim::apiserver::{ApiServer, Served};
use tempfile::TempDir;

const WIDGETS: &str = include_str!("data/widgets.yaml");

struct Bed {
    server: ApiServer,
    _served: Served,
    home: TempDir,
    kubeconfig: PathBuf,
}

impl Bed {
    /// None, with a word why, where `kubectl` is not installed.
    async fn new() -> Option<Self> {
        if std::process::Command::new("kubectl").arg("version").arg("--client").output().is_err() {
            eprintln!("skipped: kubectl is not installed; install it to run this test");
            return None;
        }
        let server = ApiServer::builder("east").build();
        let served = server.serve(0).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let kubeconfig = home.path().join("kubeconfig");
        std::fs::write(&kubeconfig, served.kubeconfig()).unwrap();
        Some(Self { server, _served: served, home, kubeconfig })
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new("kubectl");
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig).env("HOME", self.home.path()).env_remove("EDITOR");
        command
    }

    /// Runs kubectl; the thread that serves must not wait for it, so it runs on another.
    async fn run_with(&self, arguments: &[&str], editor: Option<&Path>) -> (bool, String) {
        let mut command = self.command(arguments);
        if let Some(editor) = editor {
            command.env("KUBE_EDITOR", format!("sh {}", editor.display()));
        }
        let output = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output().unwrap()).await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    async fn run(&self, arguments: &[&str]) -> String {
        let (success, text) = self.run_with(arguments, None).await;
        assert!(success, "kubectl {}: {text}", arguments.join(" "));
        text
    }
}

const WIDGET: &str = "apiVersion: example.com/v1
kind: Widget
metadata: { name: a, namespace: default }
spec: { size: 6 }
";

#[tokio::test]
async fn kubectl_applies_shows_edits_watches_and_deletes() {
    let Some(bed) = Bed::new().await else { return };
    let crd = bed.file("crd.yaml", WIDGETS);
    let widget = bed.file("widget.yaml", WIDGET);
    bed.run(&["apply", "-f", crd.to_str().unwrap()]).await;
    bed.run(&["wait", "--for=condition=Established", "crd/widgets.example.com"]).await;
    bed.run(&["apply", "-f", widget.to_str().unwrap()]).await;
    let again = bed.run(&["apply", "-f", widget.to_str().unwrap()]).await;
    assert!(again.contains("unchanged"), "{again}");
    let server_side = bed.run(&["apply", "--server-side", "--force-conflicts", "-f", widget.to_str().unwrap()]).await;
    assert!(server_side.contains("serverside-applied"), "{server_side}");

    let table = bed.run(&["get", "wd"]).await;
    assert_eq!(words(&table, 0), ["NAME", "SIZE"]);
    assert_eq!(words(&table, 1), ["a", "6"]);
    let described = bed.run(&["describe", "widget", "a"]).await;
    assert!(described.contains("Mode:  A") && described.contains("Events:"), "{described}");
    let explained = bed.run(&["explain", "widget.spec.mode"]).await;
    assert!(explained.contains("FIELD: mode <string>"), "{explained}");

    let editor = bed.file("edit.sh", "sed -i 's/size: 6/size: 7/' \"$1\"");
    let (success, text) = bed.run_with(&["edit", "widget", "a"], Some(&editor)).await;
    assert!(success, "{text}");
    assert_eq!(bed.server.object("example.com", "widgets", "default", "a").unwrap()["spec"]["size"], 7);

    let strict = bed.file("strict.yaml", &WIDGET.replace("size: 6", "size: 6, sise: 1"));
    let (success, text) = bed.run_with(&["apply", "-f", strict.to_str().unwrap()], None).await;
    assert!(!success && text.contains("unknown field \"spec.sise\""), "{text}");
}

#[tokio::test]
async fn kubectl_handles_core_kinds() {
    let Some(bed) = Bed::new().await else { return };
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: data }\n\
        spec: { accessModes: [ReadWriteOnce], storageClassName: fast, resources: { requests: { storage: 1Gi } } }\n";
    let file = bed.file("claim.yaml", claim);
    bed.run(&["apply", "-f", file.to_str().unwrap()]).await;
    let table = bed.run(&["get", "pvc"]).await;
    assert_eq!(words(&table, 1)[..3], ["data", "Pending", "fast"]);
    let described = bed.run(&["describe", "pvc", "data"]).await;
    assert!(described.contains("StorageClass:  fast"), "{described}");
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { a: \"1\" }\n---\n\
        apiVersion: v1\nkind: Namespace\nmetadata: { name: app }\n";
    let file = bed.file("settings.yaml", settings);
    bed.run(&["create", "-f", file.to_str().unwrap()]).await;
    let editor = bed.file("edit.sh", "sed -i 's/a: \"1\"/a: \"2\"/' \"$1\"");
    let (success, text) = bed.run_with(&["edit", "configmap", "settings"], Some(&editor)).await;
    assert!(success, "{text}");
    assert_eq!(bed.server.object("", "configmaps", "default", "settings").unwrap()["data"]["a"], "2");
    bed.run(&["label", "namespace", "app", "team=dr"]).await;
    let table = bed.run(&["get", "ns", "-l", "team=dr"]).await;
    assert_eq!(words(&table, 1)[..2], ["app", "Active"]);
    let all = bed.run(&["api-resources"]).await;
    assert!(all.contains("persistentvolumeclaims") && all.contains("volumeattachments"), "{all}");
}

#[tokio::test]
async fn kubectl_waits_for_finalizers_and_follows_a_watch() {
    let Some(bed) = Bed::new().await else { return };
    bed.server.install_crds(WIDGETS).unwrap();
    let held = WIDGET.replace("name: a,", "name: a, finalizers: [example.com/hold],");
    let file = bed.file("widget.yaml", &held);
    let mut watching = bed.command(&["get", "widgets", "--watch", "--output-watch-events", "--no-headers"]);
    let watching = watching.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    let mut watching = Ended(watching);
    let lines = std::io::BufReader::new(watching.0.stdout.take().unwrap());
    bed.run(&["apply", "-f", file.to_str().unwrap()]).await;
    let (success, text) = bed.run_with(&["delete", "widget", "a", "--timeout=1s"], None).await;
    assert!(!success && text.contains("timed out waiting"), "{text}");
    bed.run(&["patch", "widget", "a", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]).await;
    bed.run(&["wait", "--for=delete", "widget/a", "--timeout=5s"]).await;
    let seen = tokio::task::spawn_blocking(move || {
        use std::io::BufRead as _;
        lines.lines().map_while(Result::ok).take(3).collect::<Vec<String>>()
    });
    let seen = seen.await.unwrap();
    let kinds: Vec<&str> = seen.iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    // The removal of the last finalizer deletes at once, which a real server tells as one event, too.
    assert_eq!(kinds.first(), Some(&"ADDED"), "{seen:?}");
    assert_eq!(kinds.last(), Some(&"DELETED"), "{seen:?}");
}

/// A child process that does not outlive the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn words(table: &str, line: usize) -> Vec<&str> {
    table.lines().nth(line).unwrap_or_default().split_whitespace().collect()
}
