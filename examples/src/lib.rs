//! Runnable programs on top of the ramen crates.
