//! Measuring, cutting and wording of text for cells of a terminal.
//!
//! Everything foreign goes through [`shown`] first: cleaned, and with clusters of doubtful width replaced.

use std::borrow::Cow;
use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::domain::text::clean;

/// Columns of `text` where every character is known to take one and to stand by itself: nothing needs to be taken apart
/// then. These are what names, figures, lines and bars are made of.
#[must_use]
pub fn plain_width(text: &str) -> Option<usize> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Some(text.len());
    }
    text.chars().try_fold(0, |columns, c| is_plain(c).then_some(columns + 1))
}

/// ASCII, arrows, lines and blocks and shapes (without the two that are wide), braille, and single signs of ours.
const fn is_plain(c: char) -> bool {
    matches!(c,
        ' '..='~' | '·' | '×' | '•' | '…' | '✓' | '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{25fc}' | '\u{2800}'..='\u{28ff}')
}

/// The first `columns` of plain text and the rest of it.
fn split(plain: &str, columns: usize) -> (&str, &str) {
    plain.split_at(plain.char_indices().nth(columns).map_or(plain.len(), |(at, _)| at))
}

/// Columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    plain_width(text).unwrap_or_else(|| text.graphemes(true).map(UnicodeWidthStr::width).sum())
}

/// Foreign text, safe to draw: controls, bidi and invisible marks are replaced, and so is every cluster whose
/// width terminals disagree about (joined emoji, flags), so that no border is ever pushed.
#[must_use]
pub fn shown(raw: &str) -> Cow<'_, str> {
    let cleaned = clean(raw);
    if cleaned.is_ascii() || !cleaned.graphemes(true).any(is_doubtful) {
        return cleaned;
    }
    cleaned
        .graphemes(true)
        .map(|cluster| if is_doubtful(cluster) { "\u{fffd}" } else { cluster })
        .collect::<String>()
        .into()
}

/// A cluster that a terminal may draw wider or narrower than its parts.
fn is_doubtful(cluster: &str) -> bool {
    if cluster.chars().any(|c| ('\u{1f1e6}'..='\u{1f1ff}').contains(&c)) {
        return true; // flags: one or two columns each, as the terminal likes
    }
    let mut parts = cluster.chars();
    if let (Some(one), None) = (parts.next(), parts.next()) {
        one.width().unwrap_or(0) == 0
    } else {
        let sum: usize = cluster.chars().map(|c| c.width().unwrap_or(0)).sum();
        sum != cluster.width() || !(1..=2).contains(&sum)
    }
}

/// The beginning of `text`, at most `max` columns, with `mark` at its end where something was cut.
#[must_use]
pub fn cut<'a>(text: &'a str, max: usize, mark: &str) -> Cow<'a, str> {
    let plain = plain_width(text);
    if plain.unwrap_or_else(|| width(text)) <= max {
        return text.into();
    }
    let room = max.saturating_sub(width(mark));
    if plain.is_some() {
        let mark = if width(mark) <= max { mark } else { "" };
        return format!("{}{mark}", split(text, room).0).into();
    }
    let (mut kept, mut used) = (String::new(), 0);
    for cluster in text.graphemes(true) {
        let wide = cluster.width();
        if used + wide > room {
            break;
        }
        used += wide;
        kept.push_str(cluster);
    }
    if width(mark) <= max {
        kept.push_str(mark);
    }
    kept.into()
}

/// The end of `text`, at most `max` columns, with `mark` in front where something was cut: for URLs and paths,
/// which differ at their end.
#[must_use]
pub fn cut_front<'a>(text: &'a str, max: usize, mark: &str) -> Cow<'a, str> {
    let plain = plain_width(text);
    let columns = plain.unwrap_or_else(|| width(text));
    if columns <= max {
        return text.into();
    }
    let room = max.saturating_sub(width(mark));
    if plain.is_some() {
        let mark = if width(mark) <= max { mark } else { "" };
        return format!("{mark}{}", split(text, columns - room).1).into();
    }
    let (mut kept, mut used) = (Vec::new(), 0);
    for cluster in text.graphemes(true).rev() {
        let wide = cluster.width();
        if used + wide > room {
            break;
        }
        used += wide;
        kept.push(cluster);
    }
    let tail: String = kept.into_iter().rev().collect();
    if width(mark) <= max { format!("{mark}{tail}").into() } else { tail.into() }
}

/// `text` in lines of at most `max` columns, broken at spaces where possible, and not between a number and its `%`.
#[must_use]
pub fn wrap(text: &str, max: usize) -> Vec<String> {
    let max = max.max(1);
    let (mut lines, mut line) = (Vec::new(), String::new());
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let glued;
        let word = match words.next_if(|next| next.starts_with('%')) {
            Some(percent) => {
                glued = format!("{word} {percent}");
                glued.as_str()
            }
            None => word,
        };
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) <= max {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for cluster in word.graphemes(true) {
            if width(&line) + cluster.width() > max && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(cluster);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// [`wrap`] in at most `most` lines; `mark` stands at the end where there would be more.
#[must_use]
pub fn wrap_at_most(text: &str, max: usize, most: usize, mark: &str) -> Vec<String> {
    let mut lines = wrap(text, max);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let room = max.saturating_sub(width(mark) + 1);
            let kept = match last.rsplit_once(' ') {
                Some((kept, _)) if width(last) > room => kept, // no half words
                _ => last.as_str(),
            };
            *last = format!("{} {mark}", cut(kept, room, ""));
        }
    }
    lines
}

/// Facts in lines of at most `max` columns with `separator` between them: none is torn that fits on a line of its own.
#[must_use]
pub fn flow(facts: &[String], separator: &str, max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        match lines.last_mut() {
            Some(line) if width(line) + width(separator) + width(fact) <= max => {
                line.push_str(separator);
                line.push_str(fact);
            }
            _ => lines.extend(wrap(fact, max)),
        }
    }
    lines
}

/// The first facts that fit into `max` columns with `separator` between them.
#[must_use]
pub fn fitting(facts: &[String], separator: &str, max: usize) -> String {
    flow(facts, separator, max).into_iter().next().unwrap_or_default()
}

/// A size in decimal units, at most 7 columns: `0 B`, `812 kB`, `1.2 MB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    #[allow(clippy::cast_precision_loss)] // for display
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

/// A length of time in its largest unit, at most 6 columns: `8 s`, `3 min`, `5 h`, `12 d`, `4 y`.
#[must_use]
pub fn age(of: Duration) -> String {
    let secs = of.as_secs();
    match secs {
        0..=99 => format!("{secs} s"),
        100..=5_999 => format!("{} min", secs / 60),
        6_000..=172_799 => format!("{} h", secs / 3_600),
        172_800..=63_071_999 => format!("{} d", secs / 86_400),
        _ => format!("{} y", secs / 31_536_000),
    }
}

/// A length of time for running waits: `8 s`, `1 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn elapsed(of: Duration) -> String {
    let secs = of.as_secs();
    match (secs / 3_600, secs / 60 % 60, secs % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// A length of time that was measured: tenths below ten seconds, `0.9 s`, then as [`elapsed`].
#[must_use]
pub fn measured(of: Duration) -> String {
    let tenths = of.as_millis() / 100;
    match (tenths / 10, tenths % 10) {
        (0..10, part @ 1..) => format!("{}.{part} s", tenths / 10),
        _ => elapsed(of),
    }
}

/// A number with thin groups of three: `40 000`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// [`count`] of things held in memory.
#[must_use]
pub fn len(number: usize) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX))
}

/// `1 asset`, `3 assets`; for nouns that take an s.
#[must_use]
pub fn plural(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", len(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0 s")]
    #[case(940, "0.9 s")]
    #[case(3_000, "3 s")]
    #[case(3_049, "3 s")]
    #[case(9_999, "9.9 s")]
    #[case(10_900, "10 s")]
    #[case(80_500, "1 min 20 s")]
    fn what_was_measured_has_tenths_while_it_is_short(#[case] millis: u64, #[case] said: &str) {
        assert_eq!(measured(Duration::from_millis(millis)), said);
    }

    #[test]
    fn facts_are_not_torn_and_what_is_left_out_is_seen() {
        let facts = ["status 200", "etag a0559e75", "8.2 kB"].map(str::to_owned);
        assert_eq!(flow(&facts, " · ", 26), ["status 200 · etag a0559e75", "8.2 kB"]);
        assert_eq!(flow(&facts, " · ", 15), ["status 200", "etag a0559e75", "8.2 kB"]);
        assert_eq!(fitting(&facts, " · ", 20), "status 200");
        assert_eq!(fitting(&[], " · ", 20), "");
        assert_eq!(wrap("under 0.1 % if stale", 10), ["under", "0.1 % if", "stale"]);
        let told = "it is not a delivery URL of this cloud";
        assert_eq!(wrap_at_most(told, 12, 2, "…"), ["it is not a", "delivery …"]);
        assert_eq!(wrap_at_most(told, 40, 2, "…"), [told]);
        for line in wrap_at_most(told, 5, 2, "...") {
            assert!(width(&line) <= 5, "{line:?}");
        }
    }

    #[rstest]
    #[case("press/hero", 20, "press/hero")]
    #[case("press/hero", 6, "press…")]
    #[case("写真/商品", 5, "写真…")]
    #[case("写真", 3, "写…")]
    #[case("abc", 0, "")]
    fn the_front_is_kept(#[case] text: &str, #[case] max: usize, #[case] expected: &str) {
        assert_eq!(cut(text, max, "…"), expected);
    }

    #[test]
    fn the_end_of_a_url_is_kept() {
        assert_eq!(cut_front("http://host/a/b/hero.jpg", 12, "…"), "…/b/hero.jpg");
    }

    #[test]
    fn joined_emoji_and_flags_become_one_mark_and_accents_stay() {
        assert_eq!(shown("a🇩🇪b"), "a\u{fffd}b");
        assert_eq!(shown("e\u{301}te"), "e\u{301}te");
        assert_eq!(shown("写真"), "写真");
        assert_eq!(shown("x\u{1b}[0m"), "x\u{fffd}[0m");
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_are_split() {
        assert_eq!(wrap("24 of 24 caches", 8), ["24 of 24", "caches"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[rstest]
    #[case(0, "0 B")]
    #[case(999, "999 B")]
    #[case(1_234, "1.2 kB")]
    #[case(999_700, "1.0 MB")]
    #[case(56_400_000, "56 MB")]
    fn sizes_are_short(#[case] size: u64, #[case] expected: &str) {
        assert_eq!(bytes(size), expected);
    }

    #[rstest]
    #[case(5, "5 s")]
    #[case(180, "3 min")]
    #[case(7_200, "2 h")]
    #[case(864_000, "10 d")]
    #[case(100_000_000, "3 y")]
    fn ages_are_short(#[case] secs: u64, #[case] expected: &str) {
        assert_eq!(age(Duration::from_secs(secs)), expected);
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(plural(1, "asset"), "1 asset");
    }

    #[test]
    fn what_counts_as_plain_is_one_column_wide_and_joins_nothing() {
        for c in ('\0'..=char::MAX).filter(|c| is_plain(*c)) {
            assert_eq!(c.width(), Some(1), "{c:?}");
            for pair in [format!("{c}{c}"), format!("a{c}"), format!("{c}a"), format!("─{c}")] {
                assert_eq!(pair.graphemes(true).count(), 2, "{pair:?}");
                assert_eq!(pair.width(), 2, "{pair:?}");
            }
        }
    }

    #[rstest]
    #[case("├──┤ half a line", 5, "├──┤…", "…line")]
    #[case("▁▂▃", 3, "▁▂▃", "▁▂▃")]
    #[case("▁▂▃", 2, "▁…", "…▃")]
    #[case("▁▂▃", 1, "…", "…")]
    fn lines_and_bars_are_cut_between_characters(
        #[case] text: &str,
        #[case] max: usize,
        #[case] front: &str,
        #[case] end: &str,
    ) {
        assert_eq!(cut(text, max, "…"), front);
        assert_eq!(cut_front(text, max, "…"), end);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked(raw in "\\PC*", max in 0usize..40) {
            let text = shown(&raw);
            prop_assert!(width(&cut(&text, max, "…")) <= max);
            prop_assert!(width(&cut_front(&text, max, "…")) <= max);
            prop_assert!(wrap(&text, max.max(2)).iter().all(|line| width(line) <= max.max(2)));
        }
    }
}
