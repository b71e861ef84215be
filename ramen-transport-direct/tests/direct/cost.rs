//! What a delivery costs in requests.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ramen_core::intercluster::{ObjectTransport, Precondition};
use ramen_sim::apiserver::{ApiServer, Before, Interceptor, RequestInfo};
use serde_json::json;

use crate::bed::{Bed, SECOND, settings, soon};

/// The transport's requests about records and objects, in their order.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<String>>);

#[async_trait]
impl Interceptor for Log {
    async fn before(&self, request: &RequestInfo) -> Before {
        let about_a_delivery = ["/manifestworks/", "/manifestworks", "/configmaps/", "/configmaps"];
        if request.agent == "ramen" && about_a_delivery.iter().any(|part| request.path.contains(part)) {
            let status = if request.path.ends_with("/status") { " status" } else { "" };
            self.0.lock().unwrap().push(format!("{}{status}", request.verb));
        }
        Before::Continue
    }
}

impl Log {
    fn on(server: &ApiServer) -> Arc<Self> {
        let log = Arc::new(Self::default());
        server.intercept(log.clone());
        log
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// With thousands of applications each request more is felt by hub and clusters; a look at what was just written is wasted.
#[tokio::test(start_paused = true)]
async fn a_delivery_costs_no_request_more_than_its_promises_need() {
    let bed = Bed::new(&["dr1"]).await;
    // Watches begin with the first object of a kind.
    let first = settings("dr1", "first", "first", json!({"x": "1"}));
    bed.put(&first).await;
    tokio::time::sleep(SECOND * 10).await;
    let (hub, cluster) = (Log::on(&bed.hub), Log::on(bed.cluster("dr1")));

    let mut intent = settings("dr1", "one", "a", json!({"x": "1"}));
    bed.transport.put(&intent, &Precondition::Absent, soon()).await.unwrap();
    tokio::time::sleep(SECOND * 10).await;
    assert_eq!(hub.taken(), ["create", "get", "update status"], "a new record");
    assert_eq!(cluster.taken(), ["create"], "a new object");

    intent.manifests[0].object["data"] = json!({"x": "2"});
    bed.transport.put(&intent, &Precondition::None, soon()).await.unwrap();
    tokio::time::sleep(SECOND * 10).await;
    assert_eq!(hub.taken(), ["get", "update", "get", "update status"], "a changed record");
    assert_eq!(cluster.taken(), ["get", "patch"], "a changed object");
}
