//! What a sample of URLs can miss.

/// Chance that `drawn` of `all` URLs hold none of `stale` stale ones, wherever those are.
#[must_use]
pub fn miss_chance(all: usize, drawn: usize, stale: usize) -> f64 {
    if stale == 0 || drawn == 0 {
        return 1.0;
    }
    let (fewer, more) = (stale.min(drawn), stale.max(drawn));
    if stale + drawn > all {
        return 0.0;
    }
    // each of the fewer must fall beside the more
    (0..fewer).map(|taken| ratio(all - more - taken, all - taken)).product()
}

/// How many of `all` URLs are stale where the chance is told; at least one.
#[must_use]
pub fn stale_of(all: usize) -> usize {
    all.div_ceil(100).max(1)
}

/// The chance in words: `if 50 of the 5000 URLs were stale, such a sample would miss them all in 0.5 % of cases`.
#[must_use]
pub fn in_words(all: usize, drawn: usize) -> String {
    let stale = stale_of(all);
    let percent = miss_chance(all, drawn, stale) * 100.0;
    let percent = match percent {
        tiny if tiny < 0.01 => "less than 0.01".to_owned(),
        small if small < 1.0 => format!("{small:.2}"),
        percent => format!("{percent:.1}"),
    };
    let (were, them) = if stale == 1 { ("was", "it") } else { ("were", "them all") };
    format!(
        "if {stale} of the {all} URLs {were} stale, such a sample would miss {them} in {percent} % of cases"
    )
}

fn ratio(part: usize, whole: usize) -> f64 {
    let f64_of = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    f64_of(part) / f64_of(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(10, 0, 3, 1.0)]
    #[case(10, 5, 0, 1.0)]
    #[case(10, 5, 1, 0.5)]
    #[case(10, 1, 5, 0.5)]
    #[case(4, 2, 2, 1.0 / 6.0)]
    #[case(10, 6, 5, 0.0)]
    #[case(10, 10, 1, 0.0)]
    fn chances(
        #[case] all: usize,
        #[case] drawn: usize,
        #[case] stale: usize,
        #[case] expected: f64,
    ) {
        assert!((miss_chance(all, drawn, stale) - expected).abs() < 1e-9);
    }

    #[test]
    fn the_chance_in_words() {
        assert_eq!(
            in_words(5_000, 500),
            "if 50 of the 5000 URLs were stale, such a sample would miss them all in 0.50 % of cases"
        );
        assert_eq!(
            in_words(60, 30),
            "if 1 of the 60 URLs was stale, such a sample would miss it in 50.0 % of cases"
        );
    }
}
