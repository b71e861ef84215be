use super::*;

#[test]
fn names_follow_the_rule_of_their_kind() {
    let errors = |name: &str, rule| {
        let object = json!({ "metadata": { "name": name } });
        validate(&object, rule, false).len()
    };
    assert_eq!(errors("a.b-c", NameRule::Subdomain), 0);
    assert_eq!(errors("a.b-c", NameRule::Label), 1);
    assert_eq!(errors("A", NameRule::Subdomain), 1);
    assert_eq!(errors("system:node", NameRule::PathSegment), 0);
    assert_eq!(errors("a/b", NameRule::PathSegment), 1);
    assert_eq!(errors("", NameRule::Subdomain), 1);
    assert_eq!(errors(&"a".repeat(254), NameRule::Subdomain), 1);
}

#[test]
fn a_label_key_is_told_each_of_its_problems() {
    assert_eq!(qualified_name_problems("/").len(), 3);
    assert_eq!(qualified_name_problems("bad key!").len(), 1);
    assert_eq!(qualified_name_problems("example.com/Name_1.x"), Vec::<String>::new());
}

#[test]
fn an_update_cannot_change_identity_nor_add_finalizers_to_what_is_going() {
    let old = json!({ "metadata": { "name": "a", "uid": "1", "deletionTimestamp": "2030-01-01T00:00:00Z",
        "finalizers": ["x.y/z"] } });
    let mut new = old.clone();
    new["metadata"]["finalizers"] = json!(["x.y/z", "x.y/more"]);
    new["metadata"]["uid"] = json!("2");
    let fields: Vec<String> = validate_update(&new, &old).into_iter().map(|error| error.field).collect();
    assert_eq!(fields, ["metadata.finalizers", "metadata.uid"]);
}

#[test]
fn an_owner_reference_is_complete() {
    let object = json!({ "metadata": { "name": "a", "ownerReferences": [{ "apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "" }] } });
    let fields: Vec<String> =
        validate(&object, NameRule::Subdomain, false).into_iter().map(|error| error.field).collect();
    assert_eq!(fields, ["metadata.ownerReferences.uid"]);
}
