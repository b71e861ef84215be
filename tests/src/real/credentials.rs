//! Users, tokens, keys and kubeconfigs of a cluster.

use std::fmt::Write as _;

use anyhow::anyhow;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use kube::config::Kubeconfig;
use serde_json::json;

/// A user of a real cluster, known by a bearer token.
///
/// Rights are RBAC's: a user in the group `system:masters` may do everything, any other only what bindings give.
#[derive(Clone, Debug)]
pub struct User {
    /// The name that RBAC subjects and the audit log use.
    pub name: String,
    /// Groups besides `system:authenticated`, which everyone with a token is in.
    pub groups: Vec<String>,
    pub(super) token: String,
}

impl User {
    pub(super) fn new(name: &str, groups: &[&str]) -> anyhow::Result<Self> {
        Ok(Self { name: name.to_owned(), groups: groups.iter().map(|&g| g.to_owned()).collect(), token: random_hex()? })
    }
}

/// The file that `--token-auth-file` takes: token, user, uid, quoted groups.
pub(super) fn token_file(users: &[User]) -> String {
    users.iter().fold(String::new(), |mut file, user| {
        let _ = writeln!(file, "{},{},{},\"{}\"", user.token, user.name, user.name, user.groups.join(","));
        file
    })
}

/// A random name, key or token of 128 bits: other users of the machine reach a loopback port too.
pub(super) fn random_hex() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow!("the system's source of randomness does not answer"))?;
    Ok(bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

/// A fresh key pair in PEM, private and public: the API server signs service account tokens with it and checks them.
pub(super) fn signing_keys() -> anyhow::Result<(String, String)> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
    Ok((pem("PRIVATE KEY", pair.to_pkcs8v1()?.as_ref()), pem("PUBLIC KEY", public.as_ref())))
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64(der).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A kubeconfig with one context, named after the cluster.
pub(super) fn kubeconfig(cluster: &str, port: u16, authority: &[u8], user: &User) -> anyhow::Result<Kubeconfig> {
    Ok(serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority-data": base64(authority),
        }}],
        "users": [{"name": user.name, "user": {"token": user.token}}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user.name, "namespace": "default"}}],
        "current-context": cluster,
    }))?)
}
