//! The hourly pot of Admin and Search calls (facts §3.8): a fixed window that ends at the top of the hour.

const HOUR: i64 = 3600;

/// Counts calls in the present hour.
#[derive(Debug)]
pub struct Quota {
    limit: u32,
    used: u32,
    hour: i64,
}

/// What the reply's headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaLeft {
    pub limit: u32,
    pub remaining: u32,
    /// UNIX seconds at which the pot is full again.
    pub reset_at: i64,
}

impl Quota {
    #[must_use]
    pub const fn new(limit: u32) -> Self {
        Self { limit, used: 0, hour: 0 }
    }

    /// Takes one call out of the pot.
    ///
    /// # Errors
    /// The pot is empty.
    pub fn take(&mut self, unix_now: i64) -> Result<QuotaLeft, QuotaLeft> {
        let hour = unix_now.div_euclid(HOUR);
        if hour != self.hour {
            (self.hour, self.used) = (hour, 0);
        }
        let reset_at = (hour + 1) * HOUR;
        if self.used >= self.limit {
            return Err(self.empty(unix_now));
        }
        self.used += 1;
        Ok(QuotaLeft { limit: self.limit, remaining: self.limit - self.used, reset_at })
    }

    /// The pot of the hour, empty.
    #[must_use]
    pub const fn empty(&self, unix_now: i64) -> QuotaLeft {
        let reset_at = (unix_now.div_euclid(HOUR) + 1) * HOUR;
        QuotaLeft { limit: self.limit, remaining: 0, reset_at }
    }

    /// Calls made in the present hour.
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pot_empties_and_is_full_again_at_the_top_of_the_hour() {
        let mut quota = Quota::new(2);
        let at = 7200 + 3599;
        assert_eq!(quota.take(at).map(|left| left.remaining), Ok(1));
        assert_eq!(quota.take(at).map(|left| left.remaining), Ok(0));
        let empty = quota.take(at).unwrap_err();
        assert_eq!((empty.remaining, empty.reset_at), (0, 10_800));
        assert_eq!(quota.take(at + 1).map(|left| left.remaining), Ok(1));
    }
}
