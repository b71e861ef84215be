use super::*;

const FILE: &str = "config.yaml";

fn error(yaml: &str) -> String {
    RamenConfig::from_yaml(FILE, yaml).unwrap_err().to_string()
}

/// A file that RamenDR's hub generated must be read, or replacing that operator in place would fail at the start.
#[test]
fn a_file_of_ramendr_is_read_whole() {
    let yaml = r"
apiVersion: ramendr.openshift.io/v1alpha1
drClusterOperator:
  deploymentAutomationEnabled: true
  s3SecretDistributionEnabled: true
health:
  healthProbeBindAddress: :8081
kind: RamenConfig
kubeObjectProtection:
  veleroNamespaceName: velero
leaderElection:
  leaderElect: true
  leaseDuration: 0s
  renewDeadline: 0s
  resourceLock: ''
  resourceName: hub.ramendr.openshift.io
  resourceNamespace: ''
  retryPeriod: 0s
maxConcurrentReconciles: 50
metrics:
  bindAddress: 0.0.0.0:9289
multiNamespace:
  FeatureEnabled: true
  volsyncSupported: true
ramenControllerType: ''
ramenOpsNamespace: ramen-ops
retainNamespaceSCCAcrossPeers: true
s3StoreProfiles:
- caCertificates: cGVt
  s3Bucket: bucket
  s3CompatibleEndpoint: https://s3.example
  s3ProfileName: east
  s3Region: us-east-1
  s3SecretRef:
    name: s3-secret
    namespace: ramen-system
  veleroNamespaceSecretKeyRef:
    key: cloud
    name: velero-secret
volSync:
  destinationCopyMethod: Direct
volumeUnprotectionEnabled: true
";
    let config = RamenConfig::from_yaml(FILE, yaml).unwrap();
    assert_eq!(config.to_yaml().unwrap().trim(), yaml.trim());
    assert_eq!(config.clone().completed(ControllerType::DRHub), config, "nothing is left to complete");
    assert_eq!(config.s3_store_profile("east").unwrap().ca_certificates.as_ref().unwrap().0, b"pem");
    assert_eq!(config.s3_store_profile("west"), None);
}

/// What an operator starts with when nobody has configured anything.
#[test]
fn an_empty_file_is_completed_to_the_defaults() {
    for empty in ["", "---\n", "{}", "volSync:\nmetrics:\n"] {
        let config = RamenConfig::from_yaml(FILE, empty).unwrap();
        assert_eq!(config, RamenConfig::default(), "{empty:?}");
    }
    let yaml = RamenConfig::default().completed(ControllerType::DRCluster).to_yaml().unwrap();
    let expected = r"
apiVersion: ramendr.openshift.io/v1alpha1
drClusterOperator:
  deploymentAutomationEnabled: true
  s3SecretDistributionEnabled: true
health:
  healthProbeBindAddress: :8081
kind: RamenConfig
kubeObjectProtection:
  veleroNamespaceName: velero
leaderElection:
  leaderElect: true
  leaseDuration: 0s
  renewDeadline: 0s
  resourceLock: ''
  resourceName: dr-cluster.ramendr.openshift.io
  resourceNamespace: ''
  retryPeriod: 0s
maxConcurrentReconciles: 50
metrics:
  bindAddress: 0.0.0.0:9289
multiNamespace:
  FeatureEnabled: true
  volsyncSupported: true
ramenControllerType: ''
ramenOpsNamespace: ramen-ops
retainNamespaceSCCAcrossPeers: true
volSync:
  destinationCopyMethod: Direct
volumeUnprotectionEnabled: true
";
    assert_eq!(yaml.trim(), expected.trim());
}

/// RamenDR forgets a user's `false` at its second restart: written back as an absent key, it becomes the default true.
#[test]
fn a_switch_that_is_off_stays_off_through_restarts() {
    let mut yaml =
        "drClusterOperator:\n  deploymentAutomationEnabled: false\nmultiNamespace:\n  FeatureEnabled: false\n\
                    leaderElection:\n  leaderElect: false\n"
            .to_owned();
    for _ in 0..3 {
        let config = RamenConfig::from_yaml(FILE, &yaml).unwrap().completed(ControllerType::DRHub);
        assert_eq!(config.dr_cluster_operator.deployment_automation_enabled, Some(false));
        assert_eq!(config.dr_cluster_operator.s3_secret_distribution_enabled, Some(true));
        assert_eq!(config.multi_namespace.feature_enabled, Some(false));
        assert_eq!(config.leader_election.as_ref().unwrap().leader_elect, Some(false));
        yaml = config.to_yaml().unwrap();
    }
}

/// Completing must never overrule what the user has written.
#[test]
fn completing_keeps_what_is_there() {
    let yaml = "maxConcurrentReconciles: 3\nmetrics: {bindAddress: '0'}\nramenOpsNamespace: ops\n\
                volSync: {destinationCopyMethod: Snapshot}\nkubeObjectProtection: {veleroNamespaceName: openshift-adp}\n\
                leaderElection: {resourceName: mine}\n";
    let config = RamenConfig::from_yaml(FILE, yaml).unwrap().completed(ControllerType::DRHub);
    assert_eq!(config.max_concurrent_reconciles, 3);
    assert_eq!(config.metrics.bind_address, "0");
    assert_eq!(config.ramen_ops_namespace, "ops");
    assert_eq!(config.vol_sync.destination_copy_method, Some(DestinationCopyMethod::Snapshot));
    assert_eq!(config.kube_object_protection.velero_namespace_name, "openshift-adp");
    assert_eq!(config.leader_election.unwrap().resource_name, "mine");
}

/// An administrator finds the line to change from the message alone.
#[test]
fn a_wrong_file_is_rejected_with_file_field_found_and_expected() {
    let profile = "s3StoreProfiles:\n- s3ProfileName: east\n  s3Bucket: b\n  s3CompatibleEndpoint: e\n";
    for (yaml, expected) in [
        (
            "volSync:\n  disabled: 'yes'\n",
            "config.yaml: volSync.disabled: invalid type: string \"yes\", expected a boolean",
        ),
        (
            "volSync:\n  destinationCopyMethod: Clone\n",
            "config.yaml: volSync.destinationCopyMethod: unknown variant `Clone`, expected `Snapshot` or `Direct`",
        ),
        (
            "maxConcurrentReconciles: -1\n",
            "config.yaml: maxConcurrentReconciles: invalid value: integer `-1`, expected u32",
        ),
        (
            "multiNamespace:\n  featureEnabled: true\n",
            "config.yaml: multiNamespace.featureEnabled: unknown field `featureEnabled`, expected `FeatureEnabled` or \
             `volsyncSupported`",
        ),
        ("webhook:\n  port: 9443\n", "config.yaml: webhook: unknown field `webhook`, expected one of `apiVersion`, "),
        (
            &format!("{profile}  s3Region: r\n"),
            "config.yaml: s3StoreProfiles[0].s3SecretRef: found nothing, expected a value: the field is required",
        ),
        ("s3StoreProfiles: {}\n", "config.yaml: s3StoreProfiles: invalid type: map, expected a sequence"),
        (
            "leaderElection:\n  leaseDuration: 5d\n",
            "config.yaml: leaderElection.leaseDuration: `5d` is not a duration: expected numbers with units",
        ),
        (
            "ramenControllerType: hub\n",
            "config.yaml: ramenControllerType: unknown variant `hub`, expected one of ``, `dr-hub`, `dr-cluster`",
        ),
        ("volSync: [true]\n", "config.yaml: volSync: found a list, expected an object"),
        ("kind: DRPolicy\n", "config.yaml: kind: found \"DRPolicy\", expected `RamenConfig`"),
        ("[]\n", "config.yaml: found [], expected an object of kind `RamenConfig`"),
        ("a: b: c\n", "config.yaml: cannot be read as YAML: "),
    ] {
        let message = error(yaml);
        assert!(message.starts_with(expected), "{yaml}\n  found    {message}\n  expected {expected}");
    }
}
