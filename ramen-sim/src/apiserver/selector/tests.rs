use super::*;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect()
}

#[test]
fn every_operator_selects_what_it_says() {
    let object = labels(&[("app", "web"), ("size", "5"), ("empty", "")]);
    let cases = [
        ("", true),
        ("app", true),
        ("!app", false),
        ("!other", true),
        ("app=web", true),
        ("app==web,size=5", true),
        ("app!=web", false),
        ("other!=web", true),
        ("app in (web, db)", true),
        ("app notin (web,db)", false),
        ("other notin (web)", true),
        ("size>4", true),
        ("size<5", false),
        ("empty=", true),
        ("empty in (,x)", true),
    ];
    for (text, expected) in cases {
        assert_eq!(LabelSelector::parse(text).unwrap().matches(&object), expected, "{text}");
    }
}

#[test]
fn malformed_selectors_are_bad_requests() {
    for text in ["a===b", "a in web", "a in (web", "a b", "a,", "=x", "a=b=c", "size>x", "bad key!=1!"] {
        assert_eq!(LabelSelector::parse(text).map_err(|failure| failure.code), Err(400), "{text}");
    }
    let known = ["metadata.name".to_string()];
    for text in ["spec.x=1", "metadata.name"] {
        assert_eq!(FieldSelector::parse(text, &known).map_err(|failure| failure.code), Err(400), "{text}");
    }
}

#[test]
fn field_selectors_take_both_equals_signs_and_their_negation() {
    let known = ["metadata.name".to_string()];
    for (text, expected) in [("metadata.name=a", true), ("metadata.name==b", false), ("metadata.name!=b", true)] {
        let selector = FieldSelector::parse(text, &known).unwrap();
        assert_eq!(selector.matches(|_| "a".to_string()), expected, "{text}");
    }
}
