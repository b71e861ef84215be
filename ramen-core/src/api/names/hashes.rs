//! Hashes and cuts that names are shortened by. They identify, they do not protect: a collision joins two names.

use md5::Md5;
use sha2::{Digest, Sha256};

/// Longest label value and DNS label, in bytes; also RamenDR's limit for the object names it shortens.
pub const MAX_LABEL_LENGTH: usize = 63;

/// CRC-32 (IEEE) of a name as eight lower-case hex digits, as VolSync shortens names.
pub fn crc32_hex(name: &str) -> String {
    format!("{:08x}", crc32fast::hash(name.as_bytes()))
}

/// MD5 of a name as 32 lower-case hex digits.
pub fn md5_hex(name: &str) -> String {
    hex(&Md5::digest(name.as_bytes()))
}

/// SHA-256 of a text as 64 lower-case hex digits.
pub fn sha256_hex(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// The first [`MAX_LABEL_LENGTH`] bytes of a longer name, less the `-` and `.` they end in; a shorter name as it is,
/// whatever it ends in.
///
/// Nothing of the rest is kept, so that long names with one beginning become one: whoever creates the object must find
/// the owner's labels on it.
pub fn trim_to_label_length(name: &str) -> &str {
    if name.len() <= MAX_LABEL_LENGTH { name } else { cut(name, MAX_LABEL_LENGTH).trim_end_matches(['-', '.']) }
}

/// At most `max` bytes of a text, never through a character. Names are ASCII where Kubernetes accepts them; this keeps
/// the rest total.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
