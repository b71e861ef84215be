//! The nine CRDs are upstream's in structure, and the committed ones are those of the types.
#![allow(clippy::unwrap_used)] // helpers of tests are not recognised as tests

use std::{fs, path::Path};

use ramen_tests::crd::{self, Facts};
use serde_json::json;

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn upstream() -> Facts {
    crd::from_table(&fs::read_to_string(repository("tests/data/crd-facts.txt")).unwrap()).unwrap()
}

fn declared() -> Vec<String> {
    crd::declared(&fs::read_to_string(repository("docs/differences.md")).unwrap()).unwrap()
}

/// A field that the schema lacks is pruned by the API server without a word: objects would lose it as soon as both operators share them.
#[test]
fn the_types_generate_upstreams_crds() {
    let report = crd::compare(&upstream(), &crd::ours().unwrap(), &declared());
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.kinds, 9);
    assert_eq!(crd::kinds(&upstream()), 9);
}

/// Whoever installs `config/crd` gets what the types say.
#[test]
fn the_committed_crds_are_those_of_the_types() {
    let files = crd::files().unwrap();
    for (name, text) in &files {
        let committed = fs::read_to_string(repository("config/crd").join(name)).unwrap_or_default();
        assert!(committed == *text, "config/crd/{name} is out of date: run `make crds` and commit the result");
    }
    let ours = |name: &str| files.iter().any(|(file, _)| file == name);
    for entry in fs::read_dir(repository("config/crd")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(ours(&name), "config/crd/{name} belongs to no kind: delete it");
    }
}

/// The comparison above is worth what it can find: each change to any fact of any kind is one reported difference, and names its place.
#[test]
fn every_changed_missing_or_added_fact_is_reported() {
    let ours = crd::ours().unwrap();
    assert!(ours.len() > 2000, "{} facts are fewer than nine kinds have", ours.len());
    let changed: Facts = ours.keys().map(|place| (place.clone(), json!("changed"))).collect();
    let report = crd::compare(&changed, &ours, &[]);
    assert!(!report.is_clean());
    let reported: Vec<_> = report.to_string().lines().map(str::to_owned).collect();
    assert_eq!(reported.len(), ours.len() + 1);
    for (line, (place, value)) in reported.iter().zip(&ours) {
        assert_eq!(*line, format!("{place}: upstream has \"changed\", ours {value}"));
    }
    let (place, value) = ours.first_key_value().unwrap();
    let mut fewer = ours.clone();
    fewer.remove(place);
    assert!(
        crd::compare(&fewer, &ours, &[]).to_string().contains(&format!("{place}: upstream has nothing, ours {value}"))
    );
    assert!(
        crd::compare(&ours, &fewer, &[]).to_string().contains(&format!("{place}: upstream has {value}, ours nothing"))
    );
}

/// What a CRD can say, the facts say: a keyword that they left out could differ unseen.
#[test]
fn every_keyword_of_a_crd_becomes_a_fact() {
    let crd = json!({
        "metadata": {"name": "k", "annotations": {"generator": "v1"}},
        "spec": {
            "scope": "Namespaced",
            "names": {"shortNames": ["a", "b"]},
            "versions": [{
                "name": "v1",
                "additionalPrinterColumns": [{"name": "Age", "jsonPath": ".x", "priority": 2}],
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": "prose",
                    "required": ["b", "a"],
                    "properties": {
                        "description": {"type": "string", "nullable": true, "default": "", "pattern": "^x", "maxLength": 3},
                        "list": {
                            "type": "array",
                            "x-kubernetes-list-type": "map",
                            "x-kubernetes-list-map-keys": ["k"],
                            "items": {"type": "string", "enum": ["b", "a"]}
                        },
                        "map": {"type": "object", "additionalProperties": {"type": "integer", "format": "int64", "minimum": 0}},
                        "any": {"x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-validations": [{"rule": "r", "message": "m"}]}
                    }
                }}
            }]
        }
    });
    let facts = crd::facts(&crd).unwrap();
    let table = crd::to_table(&facts);
    let expected = r##"
k #required	["a","b"]
k #type	"object"
k =.names.shortNames[0]	"a"
k =.names.shortNames[1]	"b"
k =.scope	"Namespaced"
k =.versions[0].additionalPrinterColumns[0].jsonPath	".x"
k =.versions[0].additionalPrinterColumns[0].name	"Age"
k =.versions[0].additionalPrinterColumns[0].priority	2
k =.versions[0].name	"v1"
k =.versions[0].subresources.status	{}
k any#x-kubernetes-preserve-unknown-fields	true
k any#x-kubernetes-validations	[{"message":"m","rule":"r"}]
k description#default	""
k description#maxLength	3.0
k description#nullable	true
k description#pattern	"^x"
k description#type	"string"
k list#type	"array"
k list#x-kubernetes-list-map-keys	["k"]
k list#x-kubernetes-list-type	"map"
k list[]#enum	["a","b"]
k list[]#type	"string"
k map#type	"object"
k map{}#format	"int64"
k map{}#minimum	0.0
k map{}#type	"integer"
"##;
    assert_eq!(table, expected.trim_start());
    assert_eq!(crd::from_table(&table).unwrap(), facts);
}

/// A difference is allowed where docs/differences.md declares it with a reason, and only as long as it is one.
#[test]
fn declared_differences_are_accepted_and_stale_ones_reported() {
    let theirs = Facts::from([("k spec.a#type".to_owned(), json!("string"))]);
    let ours = Facts::from([("k spec.a#type".to_owned(), json!("integer"))]);
    let document = "# Differences\n\n## CRD structure\n\n- `k spec.a#type`: numbers sort better.\n- `k spec.b#type`: no longer.\n\n## Others\n\n- `x`\n";
    let declared = crd::declared(document).unwrap();
    let report = crd::compare(&theirs, &ours, &declared);
    assert_eq!(report.undeclared, []);
    assert_eq!(report.stale, ["k spec.b#type"]);
    assert!(!report.is_clean());
    assert!(crd::compare(&theirs, &ours, &declared[..1]).is_clean());
    assert_eq!(crd::compare(&theirs, &ours, &declared[..1]).to_string(), "1 kinds, 0 differences, 1 declared\n");

    let error = crd::declared("\n## CRD structure\n- `k spec.a#type`\n").unwrap_err().to_string();
    assert!(error.contains("needs a reason"), "{error}");
    assert!(crd::declared("nothing").is_err());
}
