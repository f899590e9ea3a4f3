//! How numbers, times and verbs are said in text output.

use std::time::Duration;

use crate::domain::invalidation::Verb;
use crate::domain::time::Timestamp;

/// `1 asset`, `2 assets`.
#[must_use]
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {}", plural(one)) }
}

/// `1 address`, `2 addresses`.
#[must_use]
pub fn of(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn plural(one: &str) -> String {
    one.strip_suffix("copy").map_or_else(|| format!("{one}s"), |rest| format!("{rest}copies"))
}

/// Bytes in powers of 1000 with one decimal.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut scaled = bytes as f64;
    let mut unit = 0;
    while scaled >= 999.95 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{scaled:.1} {}", UNITS[unit]) }
}

/// A duration in its two largest units: `38 s`, `2 min 05 s`, `3 h 10 min`, `4 d 2 h`.
#[must_use]
pub fn span(duration: Duration) -> String {
    let secs = duration.as_secs();
    match (secs / 86_400, secs / 3600 % 24, secs / 60 % 60, secs % 60) {
        (0, 0, 0, 0) if duration.as_millis() > 0 => format!("{} ms", duration.as_millis()),
        (0, 0, 0, secs) => format!("{secs} s"),
        (0, 0, mins, 0) => format!("{mins} min"),
        (0, 0, mins, secs) => format!("{mins} min {secs:02} s"),
        (0, hours, 0, _) => format!("{hours} h"),
        (0, hours, mins, _) => format!("{hours} h {mins:02} min"),
        (days, 0, _, _) => format!("{days} d"),
        (days, hours, _, _) => format!("{days} d {hours} h"),
    }
}

/// A time for people, in UTC to the second.
#[must_use]
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// What was done, once it is done.
#[must_use]
pub const fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Rename => "renamed",
        Verb::Delete => "deleted",
        Verb::Replace => "replaced",
        Verb::Purge => "purged",
        Verb::Restore => "restored",
        Verb::Watch => "watched",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0 s")]
    #[case(38, "38 s")]
    #[case(120, "2 min")]
    #[case(125, "2 min 05 s")]
    #[case(11_400, "3 h 10 min")]
    #[case(4 * 86_400 + 7300, "4 d 2 h")]
    fn spans(#[case] secs: u64, #[case] said: &str) {
        assert_eq!(span(Duration::from_secs(secs)), said);
    }

    #[rstest]
    #[case(999, "999 B")]
    #[case(1000, "1.0 kB")]
    #[case(999_960, "1.0 MB")]
    #[case(1_234_567, "1.2 MB")]
    fn sizes(#[case] raw: u64, #[case] said: &str) {
        assert_eq!(bytes(raw), said);
    }

    #[test]
    fn counts() {
        assert_eq!(count(1, "asset"), "1 asset");
        assert_eq!(count(0, "derived copy"), "0 derived copies");
    }
}
