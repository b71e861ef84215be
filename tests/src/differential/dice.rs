//! The seeded choices of a generator.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A source of choices: the same seed gives the same choices on every machine.
#[derive(Debug)]
pub struct Dice(Pcg64Mcg);

impl Dice {
    /// Choices of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The bias of the remainder is of no consequence for choosing test cases.
        if bound == 0 { 0 } else { (self.0.next_u64() % bound as u64) as usize }
    }

    /// True in this many cases of a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the choices, each as often.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// One of the choices, each as often as its weight says.
    pub fn weighted<T: Clone>(&mut self, choices: &[(usize, T)]) -> T {
        let mut roll = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            if roll < *weight {
                return choice.clone();
            }
            roll -= weight;
        }
        choices[choices.len() - 1].1.clone()
    }
}
