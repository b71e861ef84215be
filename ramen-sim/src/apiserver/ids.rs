//! Names and uids that a server makes up, from a seed: the same requests in the same order get the same ones.

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// Kubernetes leaves out vowels and look-alikes, so that no generated name spells a word.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// The longest name that a generated suffix is appended to.
const LONGEST_BASE: usize = 58;

/// A seeded source of uids and name suffixes.
#[derive(Debug)]
pub(crate) struct Ids(Pcg64Mcg);

impl Ids {
    pub(crate) fn seeded(seed: u64, cluster: &str) -> Self {
        // Two clusters of one world share a seed and must still not share uids: the name tells them apart.
        let spread = cluster
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(Pcg64Mcg::new((u128::from(spread) << 64) | u128::from(seed)))
    }

    /// A random (version 4) UUID.
    pub(crate) fn uid(&mut self) -> String {
        let mut bytes = [0_u8; 16];
        self.0.fill_bytes(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// A name for an object that was sent with `generateName`.
    pub(crate) fn name(&mut self, base: &str) -> String {
        let mut name: String = base.chars().take(LONGEST_BASE).collect();
        for _ in 0..5 {
            let index = (self.0.next_u32() as usize) % ALPHABET.len();
            name.push(char::from(ALPHABET[index]));
        }
        name
    }
}
