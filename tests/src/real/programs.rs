//! Where the servers' programs lie.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The programs of the real servers.
#[derive(Clone, Debug)]
pub struct Programs {
    pub(super) etcd: PathBuf,
    pub(super) kube_apiserver: PathBuf,
    pub(super) versitygw: PathBuf,
}

impl Programs {
    /// Finds the programs: etcd and kube-apiserver in `KUBEBUILDER_ASSETS` when they lie there (envtest's convention), all
    /// others in `RAMEN_E2E_SERVERS`.
    ///
    /// # Errors
    /// A program found in neither folder; the message names it and says to run `make e2e`. There is no way to skip: a test
    /// of the end-to-end tier that finds no server has not passed.
    pub fn locate() -> anyhow::Result<Self> {
        let built = std::env::var_os("RAMEN_E2E_SERVERS").map(PathBuf::from);
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        Self::within(assets.as_deref(), built.as_deref())
    }

    fn within(assets: Option<&Path>, built: Option<&Path>) -> anyhow::Result<Self> {
        let find = |name: &str| {
            [assets, built]
                .into_iter()
                .flatten()
                .map(|folder| folder.join(name))
                .find(|program| program.is_file())
                .with_context(|| missing(name))
        };
        let programs =
            Self { etcd: find("etcd")?, kube_apiserver: find("kube-apiserver")?, versitygw: find("versitygw")? };
        for program in [&programs.etcd, &programs.kube_apiserver, &programs.versitygw] {
            if !program.is_absolute() {
                bail!(
                    "{} is a relative path: RAMEN_E2E_SERVERS and KUBEBUILDER_ASSETS must be absolute",
                    program.display()
                );
            }
        }
        Ok(programs)
    }
}

fn missing(name: &str) -> String {
    format!(
        "{name} is neither in KUBEBUILDER_ASSETS nor in RAMEN_E2E_SERVERS: run `make e2e`, which builds it, or set \
         RAMEN_E2E_SERVERS to what `tests/servers/build.sh` prints"
    )
}

#[cfg(test)]
mod tests {
    use super::Programs;

    /// Without it, somebody who runs an end-to-end test by hand would get "No such file" and no remedy.
    #[test]
    fn a_missing_program_is_named_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("etcd"), "").unwrap();
        let error = Programs::within(None, Some(folder.path())).unwrap_err().to_string();
        assert!(error.starts_with("kube-apiserver is neither"), "{error}");
        assert!(error.contains("make e2e"), "{error}");
    }

    /// Somebody with envtest's assets expects those servers to be tested, not others that happen to be built.
    #[test]
    fn envtest_assets_come_first() {
        let (assets, built) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["etcd", "kube-apiserver", "versitygw"] {
            std::fs::write(built.path().join(name), "").unwrap();
        }
        std::fs::write(assets.path().join("etcd"), "").unwrap();
        let programs = Programs::within(Some(assets.path()), Some(built.path())).unwrap();
        assert_eq!(programs.etcd, assets.path().join("etcd"));
        assert_eq!(programs.versitygw, built.path().join("versitygw"));
    }
}
