//! Keeps a process informed of one kind: list, watch, and over again when the watch ends.

use std::time::Duration;

use futures::TryStreamExt;
use kube::{
    Client,
    api::{ListParams, WatchEvent, WatchParams},
};
use tokio::{
    sync::mpsc::UnboundedSender,
    time::{Instant, timeout},
};

use super::{
    cache::{News, revision},
    kind::Kind,
};

/// How long the server keeps a watch open.
const WATCH_SECONDS: u32 = 290;
/// A watch that is silent for this long is dead, whatever its connection says.
const SILENCE: Duration = Duration::from_secs(300);
/// How long a list may take.
const LIST_DEADLINE: Duration = Duration::from_secs(60);
/// The wait before trying again after a failure; it doubles with each further one.
const PAUSE: Duration = Duration::from_secs(1);
/// At most so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The wait before asking again for a kind that the server does not have.
const ABSENT_PAUSE: Duration = Duration::from_secs(5);

pub(super) type Inbox = UnboundedSender<(Kind, News)>;

/// Sends news of a kind until nobody listens any more.
pub(super) async fn inform(client: Client, kind: Kind, inbox: Inbox) {
    let api = kind.api(client, "");
    let mut pause = PAUSE;
    while !inbox.is_closed() {
        let listed = match timeout(LIST_DEADLINE, api.list(&ListParams::default())).await {
            Ok(Ok(listed)) => listed,
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
                // A kind that is not installed has no objects; whoever waits for the first list must not wait for ever.
                let _ = inbox.send((kind.clone(), News::All(Vec::new(), 0)));
                tokio::time::sleep(ABSENT_PAUSE).await;
                continue;
            }
            _ => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        };
        pause = PAUSE;
        let mut seen = listed.metadata.resource_version.clone().unwrap_or_default();
        let at = seen.parse().unwrap_or_default();
        let _ = inbox.send((kind.clone(), News::All(listed.items, at)));
        while follow(&api, &kind, &inbox, &mut seen).await {}
        tokio::time::sleep(PAUSE).await;
    }
}

/// One watch from where the last one ended. Answers whether another can follow it; else the kind must be listed again.
async fn follow(api: &kube::Api<kube::api::DynamicObject>, kind: &Kind, inbox: &Inbox, seen: &mut String) -> bool {
    let params = WatchParams::default().timeout(WATCH_SECONDS);
    let Ok(Ok(stream)) = timeout(LIST_DEADLINE, api.watch(&params, seen)).await else { return false };
    let mut stream = std::pin::pin!(stream);
    let began = Instant::now();
    let mut heard = false;
    loop {
        let event = match timeout(SILENCE, stream.try_next()).await {
            Ok(Ok(Some(event))) => event,
            // The server closed it as asked. One that closes at once without a word is not to be asked in a circle.
            Ok(Ok(None)) => return heard || began.elapsed() >= PAUSE,
            Ok(Err(_)) | Err(_) => return false,
        };
        heard = true;
        let news = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => News::Changed(object.into()),
            WatchEvent::Deleted(object) => News::Gone(object.into()),
            WatchEvent::Bookmark(bookmark) => {
                *seen = bookmark.metadata.resource_version;
                continue;
            }
            WatchEvent::Error(_) => return false,
        };
        if let News::Changed(object) | News::Gone(object) = &news {
            *seen = revision(object).to_string();
        }
        if inbox.send((kind.clone(), news)).is_err() {
            return false;
        }
    }
}
