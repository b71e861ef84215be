//! The one source of randomness of a world: a tree of generators grown from a seed.

use rand_pcg::Pcg64;
use sha2::{Digest, Sha256};

/// A place in the tree of randomness. Each consumer takes the stream of its own name, so that adding a consumer, or
/// letting one draw more, does not shift what any other draws.
///
/// ```
/// use rand::Rng;
/// use ramen_sim::entropy::Entropy;
///
/// let root = Entropy::new(7);
/// let first = root.child("faults").stream("links").next_u64();
/// root.stream("a consumer added later").next_u64();
/// assert_eq!(first, Entropy::new(7).child("faults").stream("links").next_u64());
/// ```
#[derive(Clone, Debug)]
pub struct Entropy {
    seed: u64,
    path: String,
}

impl Entropy {
    /// The root of the tree of one world.
    pub fn new(seed: u64) -> Self {
        Self { seed, path: String::new() }
    }

    /// The seed the whole tree grows from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The branch of a component, which hands streams or branches to its parts.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self { seed: self.seed, path: format!("{}/{name}", self.path) }
    }

    /// A generator for one consumer. Asking twice for a name gives the same sequence from its start: keep the
    /// generator.
    pub fn stream(&self, name: &str) -> Pcg64 {
        let digest = Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(&self.path)
            .chain_update(":")
            .chain_update(name)
            .finalize();
        let half =
            |from: usize| digest.iter().skip(from).take(16).fold(0_u128, |acc, byte| (acc << 8) | u128::from(*byte));
        Pcg64::new(half(0), half(16))
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn streams_differ_by_name_by_branch_and_by_seed() {
        let draw = |entropy: Entropy, name: &str| entropy.stream(name).next_u64();
        let root = Entropy::new(1);
        let drawn = [
            draw(root.clone(), "a"),
            draw(root.clone(), "b"),
            draw(root.child("a"), "a"),
            draw(root.child("a/a"), ""),
            draw(Entropy::new(2), "a"),
        ];
        for (index, left) in drawn.iter().enumerate() {
            assert!(drawn.iter().skip(index + 1).all(|right| left != right), "two streams coincide: {drawn:?}");
        }
    }
}
