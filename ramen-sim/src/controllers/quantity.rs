//! Sizes as Kubernetes writes them.

/// The bytes of a size such as `10Gi` or `1500M`; 0 for what is no size.
pub(super) fn bytes(text: &str) -> u64 {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let factor = match suffix {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return 0,
    };
    number.parse::<f64>().map_or(0, |number| (number * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_kubernetes_reads_them() {
        for (text, size) in [("1Gi", 1 << 30), ("1.5Ki", 1536), ("2G", 2_000_000_000), ("7", 7), ("", 0), ("1Xi", 0)] {
            assert_eq!(bytes(text), size, "{text}");
        }
    }
}
