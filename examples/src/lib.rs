//! Runnable programs on top of the ramen crates, and samples of what can be plugged into them.

pub mod sample_driver;
