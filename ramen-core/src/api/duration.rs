//! Go's duration text, which is what a duration is in Kubernetes objects.

use std::{borrow::Cow, fmt, str::FromStr, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const MICROSECOND: i128 = 1_000;
const MILLISECOND: i128 = 1_000 * MICROSECOND;
const SECOND: i128 = 1_000 * MILLISECOND;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;

/// A signed span of time with nanosecond precision, read and written as Go does: `1h30m0s`, `1.5s`, `250ms`, `0s`.
///
/// Reading takes any sequence of numbers with units (`ns`, `us`, `µs`, `ms`, `s`, `m`, `h`; there is no day) and an
/// optional sign; writing yields the one form that Go's encoder would write for that span, so that two writers of the
/// same object do not fight over the text. The range is that of a 64-bit count of nanoseconds, about 292 years; text
/// beyond it is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duration {
    nanoseconds: i64,
}

impl Duration {
    /// A span of `nanoseconds`, which may be negative.
    #[must_use]
    pub const fn from_nanos(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// A span of `seconds`, or the longest there is when they do not fit.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self { nanoseconds: seconds.saturating_mul(SECOND as i64) }
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.nanoseconds
    }

    /// The span in seconds, with its fraction. What metrics want.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.nanoseconds as f64 / SECOND as f64
    }
}

/// A span of the standard library's, which is unsigned and reaches further: `Err` gives it back when it does not fit.
impl TryFrom<time::Duration> for Duration {
    type Error = time::Duration;

    fn try_from(span: time::Duration) -> Result<Self, Self::Error> {
        i64::try_from(span.as_nanos()).map(Self::from_nanos).map_err(|_| span)
    }
}

/// `Err` gives the span back when it is negative.
impl TryFrom<Duration> for time::Duration {
    type Error = Duration;

    fn try_from(span: Duration) -> Result<Self, Self::Error> {
        u64::try_from(span.nanoseconds).map(Self::from_nanos).map_err(|_| span)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if self.nanoseconds < 0 {
            text.push('-');
        }
        let span = i128::from(self.nanoseconds).abs();
        // Below a second Go takes the largest unit that leaves a whole part.
        match span {
            0 => text.push_str("0s"),
            1..MICROSECOND => text.push_str(&format!("{span}ns")),
            MICROSECOND..MILLISECOND => push_decimal(&mut text, span, MICROSECOND, "µs"),
            MILLISECOND..SECOND => push_decimal(&mut text, span, MILLISECOND, "ms"),
            _ => {
                if span >= HOUR {
                    text.push_str(&format!("{}h", span / HOUR));
                }
                if span >= MINUTE {
                    text.push_str(&format!("{}m", span % HOUR / MINUTE));
                }
                push_decimal(&mut text, span % MINUTE, SECOND, "s");
            }
        }
        f.pad(&text)
    }
}

/// Appends `span` in `unit`, with as many decimals as it needs and no more.
fn push_decimal(text: &mut String, span: i128, unit: i128, name: &str) {
    text.push_str(&(span / unit).to_string());
    let (mut rest, mut unit) = (span % unit, unit);
    if rest > 0 {
        text.push('.');
    }
    while rest > 0 {
        unit /= 10;
        text.push_str(&(rest / unit).to_string());
        rest %= unit;
    }
    text.push_str(name);
}

/// Why a text is no duration. `Display` names the text and what is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a duration: expected numbers with units h, m, s, ms, us or ns, such as 5m or 1h30m, within 292 years"
)]
pub struct NotADuration(String);

impl FromStr for Duration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let span = if unsigned == "0" { Some(0) } else { parse_terms(unsigned) };
        let signed = if text.starts_with('-') { span.map(|span| -span) } else { span };
        signed
            .and_then(|span| i64::try_from(span).ok())
            .map(Self::from_nanos)
            .ok_or_else(|| NotADuration(text.to_owned()))
    }
}

/// One or more numbers with their units, in nanoseconds; the fraction of a nanosecond is cut off, as Go does.
fn parse_terms(mut text: &str) -> Option<i128> {
    let mut total: i128 = 0;
    loop {
        let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, rest) = text.split_at(number_end);
        let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(unit_end);
        let unit = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
            "ms" => MILLISECOND,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            _ => return None,
        };
        total = total.checked_add(parse_number(number, unit)?)?;
        if rest.is_empty() {
            return Some(total);
        }
        text = rest;
    }
}

/// `number` times `unit`: digits, at most one point, a digit on at least one side of it.
fn parse_number(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let mut total = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()?.checked_mul(unit)? };
    // Go takes as many decimals as 63 bits hold and scales them in floating point: its rounding is part of what the
    // text means.
    let (mut numerator, mut scale) = (0_i64, 1.0_f64);
    for digit in fraction.bytes() {
        let next = numerator.checked_mul(10).and_then(|tens| tens.checked_add(i64::from(digit - b'0')));
        let Some(next) = next else { break };
        (numerator, scale) = (next, scale * 10.0);
    }
    total += (numerator as f64 * (unit as f64 / scale)) as i128;
    Some(total)
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that differs from Go's would make every pass of either operator rewrite the other's object.
    #[test]
    fn writes_what_go_writes() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (480_000_000_001, "8m0.000000001s"),
            (300_000_000_000, "5m0s"),
            (86_400_000_000_000, "24h0m0s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
            (-1_500_000_000, "-1.5s"),
        ] {
            assert_eq!(Duration::from_nanos(nanoseconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    /// A capture interval that upstream accepts must not be refused here, nor read as another span.
    #[test]
    fn reads_what_go_reads() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("-0", 0),
            ("+5s", 5_000_000_000),
            ("30m", 1_800_000_000_000),
            ("1.s", 1_000_000_000),
            (".5s", 500_000_000),
            ("1h15m30.918273645s", 4_530_918_273_645),
            ("12us", 12_000),
            ("12\u{3bc}s", 12_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("0.9223372036854775807h", 3_320_413_933_267),
            ("9223372036854775807ns", i64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    /// A wrong interval must be named, not turned into some other one, and never stop the process.
    #[test]
    fn refuses_what_go_refuses() {
        for text in [
            "",
            "3",
            "-",
            "s",
            ".",
            ".s",
            "-.s",
            "+.s",
            "5d",
            "1 h",
            "1..5s",
            "1e3s",
            "9223372036854775808ns",
            "3000000h",
            "5m ",
            "९s",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert_eq!(
            "5d".parse::<Duration>().unwrap_err().to_string(),
            "`5d` is not a duration: expected numbers with units h, m, s, ms, us or ns, such as 5m or 1h30m, within 292 years"
        );
    }

    proptest::proptest! {
        #[test]
        fn every_span_survives_its_text(nanoseconds: i64) {
            let span = Duration::from_nanos(nanoseconds);
            proptest::prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
}
