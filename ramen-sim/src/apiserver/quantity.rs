//! Resource quantities, as far as sizes need comparing.

use serde_json::Value;

/// Bytes (rounded up) of a quantity such as `10Gi`, `1.5M`, `1e3` or `100`; none when it is not one.
pub(crate) fn parse(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.".contains(c)).len();
    let (number, suffix) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024_f64.powi(2),
        "Gi" => 1024_f64.powi(3),
        "Ti" => 1024_f64.powi(4),
        "Pi" => 1024_f64.powi(5),
        "Ei" => 1024_f64.powi(6),
        _ => 10_f64.powi(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some((number * factor).ceil() as i128)
}

/// The form in which Kubernetes writes a quantity: the largest suffix of its family that leaves a whole number.
pub(crate) fn canonical(value: &Value) -> Option<String> {
    let amount = parse(value)?;
    let text = value.as_str().unwrap_or_default();
    let exact = !text.ends_with('m') && !text.contains(['.', 'e']);
    if !exact {
        return None;
    }
    let (base, suffixes): (i128, [&str; 7]) = if text.ends_with('i') {
        (1024, ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
    } else {
        (1000, ["", "k", "M", "G", "T", "P", "E"])
    };
    let mut number = amount;
    let mut suffix = 0;
    while number != 0 && number % base == 0 && suffix + 1 < suffixes.len() {
        number /= base;
        suffix += 1;
    }
    Some(format!("{number}{}", suffixes[suffix]))
}

#[cfg(test)]
mod tests;
