//! Short ways to read and change objects without their Rust types.

use kube::api::DynamicObject;
use serde_json::{Value, json};

static NULL: Value = Value::Null;

/// Reading and editing of an object's parts; what is missing reads as empty.
pub trait Fields {
    /// A value by the path of its field names, as in `"spec.claimRef.uid"`.
    fn at(&self, path: &str) -> &Value;
    /// A text by its path.
    fn text(&self, path: &str) -> &str;
    /// A label.
    fn label(&self, key: &str) -> &str;
    /// An annotation.
    fn annotation(&self, key: &str) -> &str;
    /// Sets an annotation.
    fn annotate(&mut self, key: &str, value: &str);
    /// Whether it carries a finalizer.
    fn has_finalizer(&self, finalizer: &str) -> bool;
    /// Adds a finalizer; `false` if it was there.
    fn add_finalizer(&mut self, finalizer: &str) -> bool;
    /// Removes a finalizer; `false` if it was not there.
    fn remove_finalizer(&mut self, finalizer: &str) -> bool;
    /// Whether its deletion was asked for.
    fn is_deleting(&self) -> bool;
    /// Its uid.
    fn uid(&self) -> &str;
    /// Its generation; 0 if it has none.
    fn generation(&self) -> i64;
    /// Sets a field of its status, making the status if need be.
    fn set_status(&mut self, field: &str, value: Value);
}

impl Fields for DynamicObject {
    fn at(&self, path: &str) -> &Value {
        path.split('.').try_fold(&self.data, |value, part| value.get(part)).unwrap_or(&NULL)
    }

    fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_default()
    }

    fn label(&self, key: &str) -> &str {
        self.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map_or("", String::as_str)
    }

    fn annotation(&self, key: &str) -> &str {
        self.metadata.annotations.as_ref().and_then(|annotations| annotations.get(key)).map_or("", String::as_str)
    }

    fn annotate(&mut self, key: &str, value: &str) {
        self.metadata.annotations.get_or_insert_default().insert(key.to_owned(), value.to_owned());
    }

    fn has_finalizer(&self, finalizer: &str) -> bool {
        self.metadata.finalizers.as_ref().is_some_and(|all| all.iter().any(|one| one == finalizer))
    }

    fn add_finalizer(&mut self, finalizer: &str) -> bool {
        let missing = !self.has_finalizer(finalizer);
        if missing {
            self.metadata.finalizers.get_or_insert_default().push(finalizer.to_owned());
        }
        missing
    }

    fn remove_finalizer(&mut self, finalizer: &str) -> bool {
        let present = self.has_finalizer(finalizer);
        if let Some(all) = &mut self.metadata.finalizers {
            all.retain(|one| one != finalizer);
        }
        present
    }

    fn is_deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    fn generation(&self) -> i64 {
        self.metadata.generation.unwrap_or_default()
    }

    fn set_status(&mut self, field: &str, value: Value) {
        if !self.data.is_object() {
            self.data = json!({});
        }
        if !self.data["status"].is_object() {
            self.data["status"] = json!({});
        }
        self.data["status"][field] = value;
    }
}
