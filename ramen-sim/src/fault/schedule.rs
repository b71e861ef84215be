//! What goes wrong when: a script, or drawn from a seed.

use std::{fmt, time::Duration};

use rand::RngExt;
use rand_pcg::Pcg64;

use crate::{entropy::Entropy, net::Link};

/// One thing that happens to a world at a time of its own, not to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// Requests from a site to a server fare like this from now on.
    Link {
        /// Site of the clients.
        from: String,
        /// Server they ask.
        to: String,
        /// How they fare.
        link: Link,
    },
    /// A server is like this to everyone.
    Server {
        /// The server.
        name: String,
        /// How it is.
        link: Link,
    },
    /// A process dies; it is started again as its own policy says.
    Crash {
        /// The process.
        process: String,
    },
    /// Two arrays cannot reach each other, or can again.
    ArrayLink {
        /// One array.
        one: String,
        /// The other.
        other: String,
        /// Whether they can.
        up: bool,
    },
    /// Copies between two arrays never finish, or flow again.
    Stall {
        /// One array.
        one: String,
        /// The other.
        other: String,
        /// Whether they stall.
        stalled: bool,
    },
    /// An array is switched off, or on.
    Array {
        /// The array.
        name: String,
        /// Whether it is on.
        up: bool,
    },
    /// Something that the world does not know of, such as an object store, is disturbed, or well again: the hook of
    /// that name is called.
    Hook {
        /// The name under which the hook was registered.
        name: String,
        /// Whether it is disturbed.
        disturbed: bool,
    },
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { from, to, link } => write!(f, "link {from} -> {to} {link}"),
            Self::Server { name, link } => write!(f, "server {name} {link}"),
            Self::Crash { process } => write!(f, "crash {process}"),
            Self::ArrayLink { one, other, up } => {
                write!(f, "arrays {one} <-> {other} {}", if *up { "connected" } else { "apart" })
            }
            Self::Stall { one, other, stalled } => {
                write!(f, "copies {one} <-> {other} {}", if *stalled { "stall" } else { "flow" })
            }
            Self::Array { name, up } => write!(f, "array {name} {}", if *up { "on" } else { "off" }),
            Self::Hook { name, disturbed } => write!(f, "{name} {}", if *disturbed { "disturbed" } else { "well" }),
        }
    }
}

/// What there is that a random schedule may disturb.
#[derive(Clone, Debug, Default)]
pub struct Terrain {
    /// Sites with clients, and servers: any pair may lose its link.
    pub sites: Vec<String>,
    /// Processes that may crash.
    pub processes: Vec<String>,
    /// Pairs of arrays that may lose each other.
    pub arrays: Vec<(String, String)>,
    /// Hooks that may be called.
    pub hooks: Vec<String>,
}

/// Disturbances, each with the virtual time at which it happens, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule(Vec<(Duration, Disturbance)>);

impl Schedule {
    /// An empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a disturbance. Of two at one time the one added first happens first.
    #[must_use]
    pub fn at(mut self, time: Duration, disturbance: Disturbance) -> Self {
        let place = self.0.partition_point(|(earlier, _)| *earlier <= time);
        self.0.insert(place, (time, disturbance));
        self
    }

    /// What happens when.
    pub fn entries(&self) -> &[(Duration, Disturbance)] {
        &self.0
    }

    /// Draws `count` troubles that begin before `until`. Each is over by then: what a seed disturbs it also heals, so
    /// that a run that does not end afterwards is the fault of the code under test.
    pub fn random(entropy: &Entropy, terrain: &Terrain, count: usize, until: Duration) -> Self {
        let mut rng = entropy.stream("schedule");
        let end = u64::try_from(until.as_millis()).unwrap_or(u64::MAX).max(2);
        let mut schedule = Self::new();
        for _ in 0..count {
            let start = rng.random_range(0..end - 1);
            let stop = rng.random_range(start + 1..end);
            if let Some((trouble, cure)) = trouble(&mut rng, terrain) {
                schedule = schedule.at(Duration::from_millis(start), trouble);
                if let Some(cure) = cure {
                    schedule = schedule.at(Duration::from_millis(stop), cure);
                }
            }
        }
        schedule
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(at, disturbance)| writeln!(f, "{:>10.3}s  {disturbance}", at.as_secs_f64()))
    }
}

fn trouble(rng: &mut Pcg64, terrain: &Terrain) -> Option<(Disturbance, Option<Disturbance>)> {
    match rng.random_range(0..6) {
        0 | 1 => {
            let (from, to) = (pick(rng, &terrain.sites)?, pick(rng, &terrain.sites)?);
            let links =
                [Link::Cut, Link::Silent, Link::HalfOpen, Link::Slow(Duration::from_secs(rng.random_range(1..20)))];
            let link = pick(rng, &links)?;
            let cure = Disturbance::Link { from: from.clone(), to: to.clone(), link: Link::Up };
            Some((Disturbance::Link { from, to, link }, Some(cure)))
        }
        2 => {
            let name = pick(rng, &terrain.sites)?;
            let trouble = Disturbance::Server { name: name.clone(), link: Link::Cut };
            Some((trouble, Some(Disturbance::Server { name, link: Link::Up })))
        }
        3 => Some((Disturbance::Crash { process: pick(rng, &terrain.processes)? }, None)),
        4 => {
            let (one, other) = pick(rng, &terrain.arrays)?;
            let stall = rng.random_bool(0.5);
            let set = |bad: bool| {
                let (one, other) = (one.clone(), other.clone());
                if stall {
                    Disturbance::Stall { one, other, stalled: bad }
                } else {
                    Disturbance::ArrayLink { one, other, up: !bad }
                }
            };
            Some((set(true), Some(set(false))))
        }
        _ => {
            let name = pick(rng, &terrain.hooks)?;
            let trouble = Disturbance::Hook { name: name.clone(), disturbed: true };
            Some((trouble, Some(Disturbance::Hook { name, disturbed: false })))
        }
    }
}

fn pick<T: Clone>(rng: &mut Pcg64, from: &[T]) -> Option<T> {
    if from.is_empty() { None } else { from.get(rng.random_range(0..from.len())).cloned() }
}
