//! Inter-cluster transport for ramen-core over plain kubeconfigs.
