//! A bounded cache that never shows what was true before a change that has returned.
//!
//! Keys share a fixed number of generation counters. A value is stored under its key *and* the generation seen
//! before it was loaded; a change counts the generation up after its commit. A load that began before the change
//! therefore lands under a generation that nobody asks for any more. Loads of the same key at the same generation
//! are made once.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use moka::future::Cache;

use crate::error::Error;

/// Counters shared by all keys of a shelf; a change makes 1 in so many other keys load again.
const GENERATIONS: usize = 16_384;

pub(crate) struct Shelf<K, V> {
    values: Cache<(K, u64), V>,
    generations: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// Why a load gave no value.
enum Miss {
    Absent,
    Failed(Error),
}

impl<K, V> Shelf<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A shelf that holds values up to a total weight.
    pub(crate) fn new(weight_max: u64, weigh: impl Fn(&V) -> u32 + Send + Sync + 'static) -> Self {
        let values = Cache::builder()
            .max_capacity(weight_max)
            .weigher(move |_, value| weigh(value))
            .build();
        let generations = (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect();
        Self {
            values,
            generations,
            hasher: RandomState::new(),
        }
    }

    /// The value of `key`, loaded if it is not here. Absence is not remembered.
    pub(crate) async fn get<L>(&self, key: &K, load: L) -> Result<Option<V>, Error>
    where
        L: Future<Output = Result<Option<V>, Error>>,
    {
        let entry = (key.clone(), self.generation(key));
        let load = async { load.await.map_err(Miss::Failed)?.ok_or(Miss::Absent) };
        match self.values.try_get_with(entry, load).await {
            Ok(value) => Ok(Some(value)),
            Err(miss) => match &*miss {
                Miss::Absent => Ok(None),
                Miss::Failed(cause) => Err(cause.clone()),
            },
        }
    }

    /// Those of `keys` that are here; the others with their generations, so that what is loaded for them can be kept.
    pub(crate) async fn peek_all(&self, keys: Vec<K>) -> (HashMap<K, V>, Vec<(K, u64)>) {
        let (mut found, mut missing) = (HashMap::with_capacity(keys.len()), Vec::new());
        for key in keys {
            let generation = self.generation(&key);
            match self.peek(&key, generation).await {
                Some(value) => drop(found.insert(key, value)),
                None => missing.push((key, generation)),
            }
        }
        (found, missing)
    }

    /// Keeps what was loaded for `key` after `generation` was taken.
    pub(crate) async fn keep(&self, key: K, generation: u64, value: V) {
        self.values.insert((key, generation), value).await;
    }

    /// Counts changes around `key`. Taken before a change, it says later whether another one passed.
    pub(crate) fn generation(&self, key: &K) -> u64 {
        self.counter(key).load(Ordering::SeqCst)
    }

    /// The value of `key` if it is here and of this generation.
    pub(crate) async fn peek(&self, key: &K, generation: u64) -> Option<V> {
        self.values.get(&(key.clone(), generation)).await
    }

    /// Says that `key` has changed, after the change is stored (or may be).
    pub(crate) async fn changed(&self, key: &K) {
        let former = self.counter(key).fetch_add(1, Ordering::SeqCst);
        // No longer asked for; it only frees the memory sooner.
        self.values.invalidate(&(key.clone(), former)).await;
    }

    /// Says that `key` has changed to `value`, which is kept only if no other change passed since `generation`.
    pub(crate) async fn changed_to(&self, key: &K, generation: u64, value: V) {
        let former = self.counter(key).fetch_add(1, Ordering::SeqCst);
        self.values.invalidate(&(key.clone(), former)).await;
        if former == generation {
            self.values.insert((key.clone(), former + 1), value).await;
        }
    }

    fn counter(&self, key: &K) -> &AtomicU64 {
        let at = self.hasher.hash_one(key) % self.generations.len() as u64;
        let at = usize::try_from(at).expect("it is below a length");
        &self.generations[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_load_that_began_before_a_change_is_not_seen_after_it() {
        let shelf = Shelf::new(100, |_: &u32| 1);
        let (go, wait) = oneshot::channel::<()>();
        let (began, begun) = oneshot::channel::<()>();
        let slow = shelf.get(&7, async {
            began.send(()).unwrap();
            wait.await.unwrap();
            Ok(Some(1))
        });
        let change = async {
            begun.await.unwrap();
            shelf.changed(&7).await;
            go.send(()).unwrap();
        };
        let (old, ()) = tokio::join!(slow, change);
        assert_eq!(old.unwrap(), Some(1), "the load itself answers what it read");
        assert_eq!(shelf.get(&7, async { Ok(Some(2)) }).await.unwrap(), Some(2));
        assert_eq!(
            shelf.get(&7, async { Ok(Some(3)) }).await.unwrap(),
            Some(2),
            "now it is kept"
        );
    }

    #[tokio::test]
    async fn of_many_those_that_miss_are_told_and_none_from_before_a_change_is_shown() {
        let shelf = Shelf::new(100, |_: &u32| 1);
        assert_eq!(shelf.get(&1, async { Ok(Some(10)) }).await.unwrap(), Some(10));
        let (found, missing) = shelf.peek_all(vec![1, 2, 3]).await;
        assert_eq!(found, HashMap::from([(1, 10)]));
        assert_eq!(missing.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [2, 3]);
        shelf.changed(&2).await;
        for (key, generation) in missing {
            shelf.keep(key, generation, 20).await;
        }
        assert_eq!(shelf.get(&2, async { Ok(Some(21)) }).await.unwrap(), Some(21));
        assert_eq!(shelf.get(&3, async { Ok(Some(31)) }).await.unwrap(), Some(20));
    }

    #[tokio::test]
    async fn a_changed_value_is_kept_only_when_no_other_change_passed() {
        let shelf = Shelf::new(100, |_: &u32| 1);
        let generation = shelf.generation(&7);
        shelf.changed_to(&7, generation, 1).await;
        assert_eq!(shelf.get(&7, async { Ok(Some(9)) }).await.unwrap(), Some(1));
        let generation = shelf.generation(&7);
        shelf.changed(&7).await;
        shelf.changed_to(&7, generation, 2).await;
        assert_eq!(shelf.get(&7, async { Ok(Some(9)) }).await.unwrap(), Some(9));
    }

    #[tokio::test]
    async fn absence_and_failure_are_not_remembered() {
        let shelf = Shelf::new(100, |_: &u32| 1);
        assert_eq!(shelf.get(&7, async { Ok(None) }).await.unwrap(), None);
        assert!(
            shelf
                .get(&7, async { Err(Error::Internal("no".to_owned())) })
                .await
                .is_err()
        );
        assert_eq!(shelf.get(&7, async { Ok(Some(1)) }).await.unwrap(), Some(1));
    }
}
