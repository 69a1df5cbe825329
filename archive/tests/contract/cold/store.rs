//! Looks into a store from outside, as its operator may.

use std::sync::Arc;

use futures_util::{Stream, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

/// Everything of a stream.
pub(crate) fn on_store<T>(stream: impl Stream<Item = object_store::Result<T>>) -> Vec<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let all = runtime.expect("a runtime").block_on(stream.try_collect());
    all.expect("a sound store")
}

fn once<T>(asking: impl Future<Output = object_store::Result<T>>) -> T {
    on_store(futures_util::stream::once(asking)).pop().expect("one answer")
}

/// All objects with their bytes, by name.
pub(crate) fn objects(store: &Arc<dyn ObjectStore>) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = on_store(store.list(None))
        .into_iter()
        .map(|object| {
            let bytes = once(async { store.get(&object.location).await?.bytes().await });
            (object.location.to_string(), bytes.to_vec())
        })
        .collect();
    found.sort();
    found
}

/// Puts other bytes under a name.
pub(crate) fn put(store: &Arc<dyn ObjectStore>, name: &str, bytes: Vec<u8>) {
    once(async { store.put(&Path::from(name), bytes.into()).await });
}

/// Takes everything away.
pub(crate) fn delete_all(store: &Arc<dyn ObjectStore>) {
    for (name, _) in objects(store) {
        once(async { store.delete(&Path::from(name)).await });
    }
}
