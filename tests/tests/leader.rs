//! Leader election by Lease: of several replicas one may write, and the lead moves when it is lost.

#![allow(clippy::unwrap_used)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ramen_core::{
    engine::leader::{Ended, LeaderConfig, lead},
    time::TokioClock,
};
use ramen_sim::apiserver::ApiServer;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

/// Counts the replicas that lead at a time, and the most that ever did.
#[derive(Default)]
struct Leaders {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Leading(Arc<Leaders>);

impl Leading {
    fn begin(leaders: &Arc<Leaders>) -> Self {
        let now = leaders.now.fetch_add(1, Ordering::SeqCst) + 1;
        leaders.most.fetch_max(now, Ordering::SeqCst);
        Self(leaders.clone())
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

fn server() -> ApiServer {
    ApiServer::builder("hub").build()
}

/// A replica that leads until its work of so many seconds is done.
async fn replica(server: ApiServer, token: Option<&str>, name: &str, leaders: Arc<Leaders>, work: u32) -> Ended<()> {
    let config = LeaderConfig::new("default", "hub.ramendr.openshift.io", name);
    // A clock that is an hour off must not matter.
    let clock = Arc::new(TokioClock::starting_at("2001-01-01T00:00:00Z".parse().unwrap()));
    let client = match token {
        Some(token) => server.client_with_token(name, token),
        None => server.client(name),
    };
    lead(client, &config, clock, async {
        let _leading = Leading::begin(&leaders);
        sleep(work * SECOND).await;
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn one_leads_and_the_next_takes_over_when_it_is_done() {
    let (server, leaders) = (server(), Arc::new(Leaders::default()));
    let replicas: Vec<_> =
        ["a", "b", "c"].map(|n| tokio::spawn(replica(server.clone(), None, n, leaders.clone(), 60))).into();
    for replica in replicas {
        assert_eq!(replica.await.unwrap(), Ended::Finished(()));
    }
    assert_eq!(leaders.most.load(Ordering::SeqCst), 1);
    let lease = server.object("coordination.k8s.io", "leases", "default", "hub.ramendr.openshift.io").unwrap();
    assert_eq!(
        lease["spec"]["holderIdentity"], "",
        "a Lease that is not given back makes the next one wait for its end"
    );
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_stops_before_another_starts() {
    let (server, leaders) = (server(), Arc::new(Leaders::default()));
    server.grant_token("secret", "replica-a", &["system:masters"]);
    let first = tokio::spawn(replica(server.clone(), Some("secret"), "a", leaders.clone(), 3600));
    sleep(5 * SECOND).await;
    assert_eq!(leaders.now.load(Ordering::SeqCst), 1);
    let second = tokio::spawn(replica(server.clone(), None, "b", leaders.clone(), 60));
    sleep(30 * SECOND).await;
    assert_eq!(leaders.now.load(Ordering::SeqCst), 1, "a leader that renews keeps the lead");

    server.revoke_token("secret");
    assert_eq!(first.await.unwrap(), Ended::Lost);
    assert_eq!(second.await.unwrap(), Ended::Finished(()));
    assert_eq!(leaders.most.load(Ordering::SeqCst), 1);
}
