//! An object store that things happen to.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};
use ramen_core::testing::conformance::cluster_data::StoreFault;
use tokio::sync::watch;

/// A front of an object store that refuses, swallows, holds or half answers requests while it is told to.
#[derive(Clone)]
pub struct FaultyObjects {
    inner: Arc<dyn ObjectStore>,
    conditional: bool,
    state: Arc<State>,
}

struct State {
    faults: watch::Sender<Vec<StoreFault>>,
    held: Mutex<usize>,
}

impl FaultyObjects {
    /// A front without faults. Without `conditional` it ignores the conditions of writes, as some S3 stores do.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, conditional: bool) -> Self {
        let state = State { faults: watch::Sender::new(Vec::new()), held: Mutex::new(0) };
        Self { inner, conditional, state: Arc::new(state) }
    }

    /// Makes something go wrong, besides what is wrong.
    pub fn inflict(&self, fault: StoreFault) {
        self.state.faults.send_modify(|faults| faults.push(fault));
    }

    /// Ends everything that is wrong; writes that were held go on.
    pub fn heal(&self) {
        self.state.faults.send_replace(Vec::new());
    }

    /// How many writes are held.
    #[must_use]
    pub fn held(&self) -> usize {
        *self.state.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_held(&self, change: impl FnOnce(&mut usize)) {
        change(&mut self.state.held.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn has(&self, fault: &StoreFault) -> bool {
        self.state.faults.borrow().contains(fault)
    }

    /// Passes a request on, or not.
    async fn pass(&self) -> Result<()> {
        if self.has(&StoreFault::Dead) {
            return Err(lost("connection refused"));
        }
        if self.has(&StoreFault::Silent) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    /// Passes on a write of this key, or not, or later.
    async fn pass_write(&self, key: &str) -> Result<()> {
        self.pass().await?;
        let ends = |fault: &StoreFault| matches!(fault, StoreFault::RefusesKey(end) if key.ends_with(end.as_str()));
        if self.state.faults.borrow().iter().any(ends) {
            return Err(lost("connection reset while sending"));
        }
        let holds = |faults: &Vec<StoreFault>| {
            faults.iter().any(|fault| matches!(fault, StoreFault::HoldsKey(end) if key.ends_with(end.as_str())))
        };
        let mut faults = self.state.faults.subscribe();
        if holds(&faults.borrow_and_update()) {
            self.count_held(|held| *held += 1);
            let _ = faults.wait_for(|faults| !holds(faults)).await;
            self.count_held(|held| *held -= 1);
        }
        Ok(())
    }

    /// The answer to a write, if it is not lost.
    fn answer<T>(&self, answer: Result<T>) -> Result<T> {
        if self.has(&StoreFault::LosesAnswers) { Err(lost("connection reset while waiting")) } else { answer }
    }
}

fn lost(cause: &'static str) -> Error {
    Error::Generic { store: "faulty", source: cause.into() }
}

impl fmt::Debug for FaultyObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyObjects").field("faults", &*self.state.faults.borrow()).finish_non_exhaustive()
    }
}

impl fmt::Display for FaultyObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with faults", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyObjects {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut opts: PutOptions) -> Result<PutResult> {
        self.pass_write(location.as_ref()).await?;
        if !self.conditional {
            opts.mode = PutMode::Overwrite;
        }
        self.answer(self.inner.put_opts(location, payload, opts).await)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.pass_write(location.as_ref()).await?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.pass().await?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let delete = move |location: Path| {
            let this = this.clone();
            async move {
                this.pass_write(location.as_ref()).await?;
                this.answer(this.inner.delete(&location).await).map(|()| location)
            }
        };
        locations.and_then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, prefix) = (self.clone(), prefix.cloned());
        let listing = async move { this.pass().await.map(|()| this.inner.list(prefix.as_ref())) };
        futures::stream::once(listing).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.pass().await?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.pass_write(to.as_ref()).await?;
        self.inner.copy_opts(from, to, options).await
    }
}
