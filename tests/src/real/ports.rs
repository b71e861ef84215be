//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::bail;

/// Ports are taken below the range from which Linux and macOS choose source ports: a server that is stopped and started
/// again finds its port still free, because no outgoing connection can have been given it meanwhile.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A port on 127.0.0.1 on which nothing listens now.
///
/// Between the answer and its use somebody else may take it: a starter must be ready to try again with another.
pub(super) fn free() -> anyhow::Result<u16> {
    for _ in 0..200 {
        let mut random = [0; 2];
        if aws_lc_rs::rand::fill(&mut random).is_err() {
            bail!("the system's source of randomness does not answer");
        }
        let port = RANGE.start + u16::from_le_bytes(random) % (RANGE.end - RANGE.start);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {} on 127.0.0.1", RANGE.start, RANGE.end)
}
