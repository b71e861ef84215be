//! The rooms that decide hold no I/O, no clock and no randomness: what they decide can be planned, replayed and checked.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What must not occur in a pure room.
const IMPURE: [&str; 12] = [
    "async fn",
    "async move",
    "async {",
    ".await",
    "tokio::",
    "kube::Client",
    "kube::Api",
    "Timestamp::now",
    "SystemTime",
    "std::time::Instant",
    "rand::",
    "std::fs",
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn impurities(text: &str) -> Vec<(usize, &'static str)> {
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(at, line)| IMPURE.iter().filter(move |word| line.contains(*word)).map(move |word| (at + 1, *word)))
        .collect()
}

#[test]
fn what_decides_neither_reads_nor_writes_nor_asks_for_the_time() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ramen-core/src");
    let rooms = ["hub", "managed"].map(|room| source.join(room)).into_iter().filter(|room| room.exists());
    let mut files = Vec::new();
    rooms.for_each(|room| rust_files(&room, &mut files));
    assert!(!files.is_empty(), "no room was looked at");
    for file in files {
        let found = impurities(&fs::read_to_string(&file).unwrap());
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
}

#[test]
fn the_check_notices_a_read_of_the_clock_and_is_not_put_off_by_a_comment() {
    assert_eq!(impurities("let now = Timestamp::now();"), [(1, "Timestamp::now")]);
    assert_eq!(impurities("/// Never calls `Timestamp::now`."), []);
}
