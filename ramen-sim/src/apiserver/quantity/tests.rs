use serde_json::json;

use super::*;

#[test]
fn quantities_compare_by_bytes() {
    for (text, bytes) in [("1Gi", 1 << 30), ("1024Mi", 1 << 30), ("1G", 1_000_000_000), ("1e3", 1000), ("1.5k", 1500)] {
        assert_eq!(parse(&json!(text)), Some(bytes), "{text}");
    }
    assert_eq!(parse(&json!("many")), None);
    assert_eq!(parse(&json!(7)), Some(7));
}

#[test]
fn quantities_are_written_with_the_largest_suffix_that_fits() {
    for (text, expected) in [("1024Mi", "1Gi"), ("1536Mi", "1536Mi"), ("1000k", "1M"), ("10", "10"), ("0", "0")] {
        assert_eq!(canonical(&json!(text)).as_deref(), Some(expected), "{text}");
    }
}
