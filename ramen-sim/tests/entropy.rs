//! Nothing in the simulator's sources may draw on what differs between two runs of one seed.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is looked for, and why it must not be there.
const FORBIDDEN: &[(&str, &str)] = &[
    ("SystemTime", "the machine's clock: take ramen_sim::clock::Clock"),
    ("std::time::Instant", "the machine's clock: take tokio::time::Instant"),
    ("Timestamp::now", "the machine's clock: take ramen_sim::clock::Clock"),
    ("HashMap", "iterates in an order of its own: take BTreeMap or IndexMap"),
    ("HashSet", "iterates in an order of its own: take BTreeSet or IndexSet"),
    ("thread::spawn", "runs whenever it likes: spawn a task"),
    ("spawn_blocking", "runs whenever it likes: spawn a task"),
    ("sync::watch", "wakes its receivers in a random order: take Notify or a channel each"),
    ("rand::rng", "is not grown from the seed: take ramen_sim::entropy::Entropy"),
    ("rand::random", "is not grown from the seed: take ramen_sim::entropy::Entropy"),
];

/// Files that serve a simulated cluster to other programs, over sockets and hence in real time.
const REAL_TIME: &[&str] = &["apiserver/serve.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_source_draws_on_what_differs_between_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 30, "the sources were not found");
    let mut wrong = Vec::new();
    for path in files.iter().filter(|path| !REAL_TIME.iter().any(|name| path.ends_with(name))) {
        let text = fs::read_to_string(path).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let unbiased = line.contains("select! {")
                && !text.lines().nth(number + 1).is_some_and(|next| next.contains("biased;"));
            let reason = if unbiased { Some("picks a branch at random: begin it with biased;") } else { None };
            let reason = reason.or_else(|| FORBIDDEN.iter().find(|(word, _)| line.contains(word)).map(|(_, why)| *why));
            if let Some(reason) = reason {
                wrong.push(format!(
                    "{}:{}: {} ({reason})",
                    path.strip_prefix(&root).unwrap().display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
