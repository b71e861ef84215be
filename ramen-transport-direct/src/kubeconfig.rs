//! Making a client of a kubeconfig, refusing what would run or read on the hub.

use std::time::Duration;

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use ramen_core::intercluster::{Failure, FailureClass};
use sha2::{Digest, Sha256};

/// A connection that is not made within this time will not be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a kubeconfig may do on the hub besides naming an address and credentials.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KubeconfigPolicy {
    /// Commands of exec plugins that may run, compared as the kubeconfig writes them.
    pub exec_commands: Vec<String>,
    /// Whether certificates, keys and tokens may be read from files.
    pub files: bool,
}

/// The fingerprint of a kubeconfig: a digest, since the content is secret.
pub(crate) fn fingerprint(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a client. `source` says where the text comes from, for people: `Secret ops/dr1, key kubeconfig`.
pub(crate) async fn client(text: &[u8], source: &str, policy: &KubeconfigPolicy) -> Result<kube::Client, Failure> {
    let malformed = |cause: String| {
        Failure::new(FailureClass::Malformed, cause)
            .about(source)
            .remedy("correct the kubeconfig; credentials must be inline")
    };
    let text = std::str::from_utf8(text).map_err(|e| malformed(format!("it is not text: {e}")))?;
    let kubeconfig = Kubeconfig::from_yaml(text).map_err(|_| malformed("it is no kubeconfig".into()))?;
    permit(&kubeconfig, policy).map_err(malformed)?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|e| malformed(e.to_string()))?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // Watches are silent for minutes; every request has a deadline of its own.
    config.read_timeout = None;
    // A proxy that answers 503 for a dead cluster would keep a request busy for minutes.
    config.default_retry = false;
    kube::Client::try_from(config).map_err(|e| malformed(e.to_string()))
}

/// Refuses what would run a command or read a file on the hub, unless the policy lists it. The error names the field.
fn permit(kubeconfig: &Kubeconfig, policy: &KubeconfigPolicy) -> Result<(), String> {
    for user in &kubeconfig.auth_infos {
        let Some(auth) = &user.auth_info else { continue };
        let field = |field: &str| format!("users[{}].user.{field}", user.name);
        if let Some(exec) = &auth.exec {
            let command = exec.command.as_deref().unwrap_or_default();
            if !policy.exec_commands.iter().any(|allowed| allowed == command) {
                return Err(format!("{} would run `{command}` on the hub, which is not allowed", field("exec")));
            }
        }
        if auth.auth_provider.is_some() {
            return Err(format!("{} is not supported", field("auth-provider")));
        }
        let files = [
            (&auth.token_file, "tokenFile"),
            (&auth.client_certificate, "client-certificate"),
            (&auth.client_key, "client-key"),
        ];
        for (path, name) in files {
            if path.is_some() && !policy.files {
                return Err(format!("{} would read a file of the hub, which is not allowed", field(name)));
            }
        }
    }
    for cluster in &kubeconfig.clusters {
        let reads = cluster.cluster.as_ref().is_some_and(|c| c.certificate_authority.is_some());
        if reads && !policy.files {
            let field = format!("clusters[{}].cluster.certificate-authority", cluster.name);
            return Err(format!("{field} would read a file of the hub, which is not allowed"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(cluster: &str, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: a, user: u}}}}]\n\
             clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:1'{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
        )
    }

    async fn refusal(text: &str) -> Failure {
        client(text.as_bytes(), "Secret ops/dr1, key kubeconfig", &KubeconfigPolicy::default())
            .await
            .map(|_| ())
            .unwrap_err()
    }

    #[tokio::test]
    async fn what_would_run_or_read_on_the_hub_is_refused_and_the_field_is_named() {
        for (cluster, user, field) in [
            (
                "",
                "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, interactiveMode: Never}",
                "users[u].user.exec",
            ),
            ("", "client-key: /etc/shadow", "users[u].user.client-key"),
            ("", "client-certificate: /etc/passwd", "users[u].user.client-certificate"),
            ("", "tokenFile: /var/run/token", "users[u].user.tokenFile"),
            (", certificate-authority: /etc/ca", "token: t", "clusters[a].cluster.certificate-authority"),
        ] {
            let failure = refusal(&kubeconfig(cluster, user)).await;
            assert_eq!(failure.class(), FailureClass::Malformed);
            assert!(failure.cause().contains(field), "{failure}");
            assert!(failure.to_string().contains("Secret ops/dr1, key kubeconfig"), "{failure}");
        }
    }

    #[tokio::test]
    async fn what_is_no_kubeconfig_is_malformed_and_not_quoted() {
        for text in ["", "token: s3cr3t-value", "{]", "apiVersion: v1\nkind: Config\nclusters: []\n"] {
            let failure = refusal(text).await;
            assert_eq!(failure.class(), FailureClass::Malformed);
            assert!(!failure.to_string().contains("s3cr3t-value"));
        }
    }

    #[tokio::test]
    async fn an_inline_token_is_accepted() {
        let text = kubeconfig("", "token: t");
        assert!(client(text.as_bytes(), "file", &KubeconfigPolicy::default()).await.is_ok());
    }
}
