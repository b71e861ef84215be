use serde_json::json;

use super::*;

#[test]
fn printer_columns_find_what_their_paths_name() {
    let object = json!({
        "metadata": { "labels": { "app.kubernetes.io/name": "x" } },
        "status": { "conditions": [{ "type": "A", "status": "False" }, { "type": "Ready", "status": "True" }] },
        "list": [1, 2, 3],
    });
    let cases = [
        (".metadata.labels.app\\.kubernetes\\.io/name", json!(["x"])),
        (".metadata.labels['app.kubernetes.io/name']", json!(["x"])),
        (".status.conditions[?(@.type==\"Ready\")].status", json!(["True"])),
        (".status.conditions[?(@.type!='Ready')].status", json!(["False"])),
        (".list[-1]", json!([3])),
        (".list[*]", json!([1, 2, 3])),
        ("{.list[0]}", json!([1])),
        (".absent.deeper", json!([])),
    ];
    for (path, expected) in cases {
        let found: Vec<Value> = jsonpath(&object, path).into_iter().cloned().collect();
        assert_eq!(json!(found), expected, "{path}");
    }
}
