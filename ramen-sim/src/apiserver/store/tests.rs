use serde_json::json;

use super::*;

const FOREVER: Retention = Retention { age: SignedDuration::from_hours(1), changes: 1000 };

fn resource() -> GroupResource {
    GroupResource::new("", "configmaps")
}

fn put(store: &mut Store, namespace: &str, name: &str) {
    let mut value = json!({ "metadata": { "name": name } });
    store.put(&resource(), Key::new(namespace, name), &mut value, Timestamp::UNIX_EPOCH);
}

fn names(store: &Store, range: &Range, revision: Option<u64>) -> Vec<String> {
    store.list(&resource(), range, revision).unwrap().into_iter().map(|(key, _)| key.0).collect()
}

#[test]
fn an_older_revision_lists_what_was_there_then() {
    let mut store = Store::new(FOREVER);
    put(&mut store, "n", "a");
    put(&mut store, "n", "b");
    let then = store.revision();
    store.remove(&resource(), &Key::new("n", "a"), Timestamp::UNIX_EPOCH);
    put(&mut store, "n", "c");
    assert_eq!(names(&store, &Range::default(), Some(then)), ["n/a", "n/b"]);
    assert_eq!(names(&store, &Range::default(), None), ["n/b", "n/c"]);
    assert!(store.get_at(&resource(), &Key::new("n", "c"), then).unwrap().is_none());
    store.compact(store.revision());
    assert!(store.list(&resource(), &Range::default(), Some(then)).is_err());
}

/// A pager that reads at one revision must be told what is left there, whatever has been written since.
#[test]
fn a_count_is_that_of_the_revision_and_the_namespace() {
    let mut store = Store::new(FOREVER);
    for name in ["a", "b", "c"] {
        put(&mut store, "n", name);
    }
    put(&mut store, "other", "a");
    let then = store.revision();
    for name in ["a", "b", "c"] {
        store.remove(&resource(), &Key::new("n", name), Timestamp::UNIX_EPOCH);
    }
    put(&mut store, "n", "b");
    put(&mut store, "n", "b");
    put(&mut store, "other", "d");
    let count = |namespace: &str, revision| store.count(&resource(), namespace, revision).unwrap();
    assert_eq!([count("n", None), count("other", None), count("", None)], [1, 2, 3]);
    assert_eq!([count("n", Some(then)), count("other", Some(then)), count("", Some(then))], [3, 1, 4]);
    assert_eq!(
        names(&store, &Range { after: Some(Key::new("n", "a")), ..Range::default() }, Some(then)),
        ["n/b", "n/c", "other/a"]
    );
}

#[test]
fn a_namespace_is_not_a_prefix_of_another() {
    let mut store = Store::new(FOREVER);
    for namespace in ["app", "app-2", "app2"] {
        put(&mut store, namespace, "x");
    }
    assert_eq!(names(&store, &Range { namespace: "app".into(), after: None }, None), ["app/x"]);
}

#[test]
fn a_watcher_that_kept_up_survives_a_compaction() {
    let mut store = Store::new(FOREVER);
    put(&mut store, "n", "a");
    let seen = store.revision();
    let mut other = json!({ "metadata": {} });
    store.put(&GroupResource::new("", "secrets"), Key::new("n", "s"), &mut other, Timestamp::UNIX_EPOCH);
    store.compact(store.revision());
    put(&mut store, "n", "b");
    let next = store.next_change(&resource(), seen).unwrap().unwrap();
    assert_eq!(next.key.name(), "b");
    assert!(store.next_change(&resource(), seen - 1).is_err(), "but one that has not seen the last change does not");
}

#[test]
fn history_is_bounded_by_count() {
    let mut store = Store::new(Retention { changes: 2, ..FOREVER });
    for name in ["a", "b", "c"] {
        put(&mut store, "n", name);
    }
    assert!(store.next_change(&resource(), 1).is_err());
    assert!(store.next_change(&resource(), 2).is_ok());
}
