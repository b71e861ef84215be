//! The string formats that Kubernetes checks; all others are only remarks.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::apiserver::meta;

/// Whether a string has a format. Unknown formats fit everything.
pub(super) fn matches(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => is_date_time(text),
        "date" => text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10,
        "duration" => is_duration(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "uuid" => is_uuid(text),
        "hostname" => meta::is_dns_subdomain(&text.to_lowercase()),
        "byte" => is_base64(text),
        "uri" => text.split_once(':').is_some_and(|(scheme, _)| !scheme.is_empty()) || text.starts_with('/'),
        "mac" => is_mac(text),
        "email" => text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()),
        _ => true,
    }
}

fn is_date_time(text: &str) -> bool {
    // RFC 3339 asks for an offset, which a timestamp cannot be parsed without.
    text.parse::<jiff::Timestamp>().is_ok() && text.as_bytes().get(10).is_some_and(|at| b"Tt ".contains(at))
}

/// Go's durations (`1h30m`, `1.5s`), and its spelled-out units.
fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        if digits == 0 || rest[..digits].parse::<f64>().is_err() {
            return false;
        }
        rest = rest[digits..].trim_start_matches(' ');
        let unit = rest.len() - rest.trim_start_matches(|c: char| c.is_alphabetic()).len();
        if !is_unit(&rest[..unit]) {
            return false;
        }
        rest = &rest[unit..];
        parts += 1;
    }
    parts > 0
}

fn is_unit(unit: &str) -> bool {
    let short = ["ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "w"];
    let long = ["nano", "micro", "milli", "sec", "second", "min", "minute", "hour", "hr", "day", "week", "wk"];
    short.contains(&unit) || long.contains(&unit) || long.contains(&unit.trim_end_matches('s'))
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let Ok(length) = length.parse::<u8>() else { return false };
    (address.parse::<Ipv4Addr>().is_ok() && length <= 32) || (address.parse::<Ipv6Addr>().is_ok() && length <= 128)
}

fn is_uuid(text: &str) -> bool {
    let digits = text.replace('-', "");
    digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit())
}

fn is_base64(text: &str) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).is_ok()
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && u8::from_str_radix(part, 16).is_ok())
}
