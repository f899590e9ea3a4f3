//! Seeded chance: the same seed and the same question always give the same answer.
//!
//! Nothing here keeps state. A number is asked for by what it is about, so that one more or one less
//! request elsewhere never moves it.

use std::time::Duration;

/// Answers questions that chance decides, repeatably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chance {
    seed: u64,
}

impl Chance {
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// 64 bits about `topic` and the numbers that single it out.
    #[must_use]
    pub fn bits(self, topic: &str, numbers: &[u64]) -> u64 {
        numbers.iter().fold(mix(self.seed ^ hash_text(topic)), |bits, n| mix(bits ^ mix(*n)))
    }

    /// Between 0 and 1, 1 excluded.
    #[must_use]
    pub fn share(self, topic: &str, numbers: &[u64]) -> f64 {
        (self.bits(topic, numbers) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `bound`; 0 where `bound` is 0.
    #[must_use]
    pub fn below(self, bound: u64, topic: &str, numbers: &[u64]) -> u64 {
        self.bits(topic, numbers).checked_rem(bound).unwrap_or(0)
    }

    /// A duration from `min` to `max`, both included.
    #[must_use]
    pub fn between(
        self,
        (min, max): (Duration, Duration),
        topic: &str,
        numbers: &[u64],
    ) -> Duration {
        min + max.saturating_sub(min).mul_f64(self.share(topic, numbers))
    }

    /// A duration with a long tail: log-normal, with `min` at the 5th and `max` at the 95th percentile, and nothing
    /// beyond ten times `max`.
    #[must_use]
    pub fn with_tail(
        self,
        (min, max): (Duration, Duration),
        topic: &str,
        numbers: &[u64],
    ) -> Duration {
        /// Standard deviations from the middle to the 95th percentile.
        const P95: f64 = 1.644_853_6;
        let millis = |span: Duration| (span.as_secs_f64() * 1e3).max(1.0).ln();
        let (low, high) = (millis(min), millis(max));
        let (middle, deviation) = (f64::midpoint(low, high), (high - low) / (2.0 * P95));
        // Box and Muller; the first share must not be 0
        let bits = self.bits(topic, numbers);
        let radius = (-2.0 * (((bits >> 11) as f64 + 0.5) * 2_f64.powi(-53)).ln()).sqrt();
        let turn = (mix(bits) >> 11) as f64 * 2_f64.powi(-53) * std::f64::consts::TAU;
        let drawn = (middle + deviation * radius * turn.cos()).exp() / 1e3;
        Duration::from_secs_f64(drawn).min(max.saturating_mul(10))
    }

    /// 16 bytes, as asset IDs and version IDs need them.
    #[must_use]
    pub fn id(self, topic: &str, numbers: &[u64]) -> [u8; 16] {
        let high = self.bits(topic, numbers);
        ((u128::from(high) << 64) | u128::from(mix(high ^ self.seed))).to_be_bytes()
    }
}

/// `SplitMix64`'s finaliser: every input bit moves half of the output bits.
#[must_use]
pub const fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// FNV-1a of a text: stable across programs and versions, unlike the standard hasher.
#[must_use]
pub fn hash_text(text: &str) -> u64 {
    hash_bytes(text.as_bytes())
}

/// FNV-1a of bytes.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_answer_and_another_seed_another() {
        let (one, two) = (Chance::new(1), Chance::new(2));
        assert_eq!(one.bits("delay", &[3, 4]), Chance::new(1).bits("delay", &[3, 4]));
        assert_ne!(one.bits("delay", &[3, 4]), one.bits("delay", &[4, 3]));
        assert_ne!(one.bits("delay", &[3, 4]), two.bits("delay", &[3, 4]));
        assert_ne!(one.id("asset", &[1]), one.id("asset", &[2]));
    }

    #[test]
    fn durations_stay_between_their_bounds_and_spread_over_them() {
        let bounds = (Duration::from_secs(2), Duration::from_secs(20));
        let drawn: Vec<_> =
            (0..1000).map(|n| Chance::new(7).between(bounds, "delay", &[n])).collect();
        assert!(drawn.iter().all(|d| (bounds.0..=bounds.1).contains(d)));
        assert!(drawn.iter().min().unwrap() < &Duration::from_secs(3));
        assert!(drawn.iter().max().unwrap() > &Duration::from_secs(19));
        assert_eq!(Chance::new(7).between((bounds.0, bounds.0), "delay", &[]), bounds.0);
    }

    #[test]
    fn a_tail_has_a_twentieth_beyond_each_bound_and_ends_somewhere() {
        let bounds = (Duration::from_secs(2), Duration::from_secs(20));
        let mut drawn: Vec<_> =
            (0..10_000).map(|n| Chance::new(7).with_tail(bounds, "delay", &[n])).collect();
        drawn.sort();
        let share = |below: Duration| drawn.partition_point(|d| *d < below) as f64 / 1e4;
        assert!((0.04..0.06).contains(&share(bounds.0)), "{}", share(bounds.0));
        assert!((0.94..0.96).contains(&share(bounds.1)), "{}", share(bounds.1));
        assert!((5.0..8.0).contains(&drawn[5000].as_secs_f64()), "{:?}", drawn[5000]);
        assert!(drawn[9999] > bounds.1 * 2 && drawn[9999] <= bounds.1 * 10);
        let none = (Duration::ZERO, Duration::ZERO);
        assert_eq!(Chance::new(7).with_tail(none, "delay", &[1]), Duration::ZERO);
    }
}
