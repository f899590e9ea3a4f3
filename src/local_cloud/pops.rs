//! Real CDN locations that the local cloud's edges are named after.

/// A location of a content delivery network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pop {
    /// IATA code of an airport nearby, as CDNs write it.
    pub code: &'static str,
    pub city: &'static str,
}

/// The edges of a local cloud, in the order they are taken.
#[rustfmt::skip]
pub const POPS: &[Pop] = &[
    Pop { code: "FRA", city: "Frankfurt" },     Pop { code: "SIN", city: "Singapore" },
    Pop { code: "IAD", city: "Ashburn" },       Pop { code: "NRT", city: "Tokyo" },
    Pop { code: "GRU", city: "São Paulo" },     Pop { code: "SYD", city: "Sydney" },
    Pop { code: "LHR", city: "London" },        Pop { code: "SFO", city: "San Francisco" },
    Pop { code: "BOM", city: "Mumbai" },        Pop { code: "JNB", city: "Johannesburg" },
    Pop { code: "CDG", city: "Paris" },         Pop { code: "ORD", city: "Chicago" },
    Pop { code: "HKG", city: "Hong Kong" },     Pop { code: "AMS", city: "Amsterdam" },
    Pop { code: "DXB", city: "Dubai" },         Pop { code: "LAX", city: "Los Angeles" },
    Pop { code: "ICN", city: "Seoul" },         Pop { code: "MAD", city: "Madrid" },
    Pop { code: "EZE", city: "Buenos Aires" },  Pop { code: "ARN", city: "Stockholm" },
    Pop { code: "DFW", city: "Dallas" },        Pop { code: "KIX", city: "Osaka" },
    Pop { code: "MXP", city: "Milan" },         Pop { code: "YYZ", city: "Toronto" },
    Pop { code: "AKL", city: "Auckland" },      Pop { code: "WAW", city: "Warsaw" },
    Pop { code: "SCL", city: "Santiago" },      Pop { code: "MIA", city: "Miami" },
    Pop { code: "DEL", city: "New Delhi" },     Pop { code: "VIE", city: "Vienna" },
    Pop { code: "SEA", city: "Seattle" },       Pop { code: "BKK", city: "Bangkok" },
    Pop { code: "LIS", city: "Lisbon" },        Pop { code: "ATL", city: "Atlanta" },
    Pop { code: "MEL", city: "Melbourne" },     Pop { code: "IST", city: "Istanbul" },
    Pop { code: "BOG", city: "Bogotá" },        Pop { code: "CPT", city: "Cape Town" },
    Pop { code: "HEL", city: "Helsinki" },      Pop { code: "MNL", city: "Manila" },
    Pop { code: "DUB", city: "Dublin" },        Pop { code: "TPE", city: "Taipei" },
    Pop { code: "CPH", city: "Copenhagen" },    Pop { code: "MEX", city: "Mexico City" },
    Pop { code: "PER", city: "Perth" },         Pop { code: "NBO", city: "Nairobi" },
    Pop { code: "PRG", city: "Prague" },        Pop { code: "DEN", city: "Denver" },
    Pop { code: "KUL", city: "Kuala Lumpur" },  Pop { code: "OSL", city: "Oslo" },
    Pop { code: "CAI", city: "Cairo" },         Pop { code: "BOS", city: "Boston" },
    Pop { code: "ZRH", city: "Zurich" },        Pop { code: "LIM", city: "Lima" },
    Pop { code: "CGK", city: "Jakarta" },       Pop { code: "ATH", city: "Athens" },
    Pop { code: "YVR", city: "Vancouver" },     Pop { code: "BRU", city: "Brussels" },
    Pop { code: "MAA", city: "Chennai" },       Pop { code: "LOS", city: "Lagos" },
    Pop { code: "PHX", city: "Phoenix" },       Pop { code: "OTP", city: "Bucharest" },
    Pop { code: "TLV", city: "Tel Aviv" },      Pop { code: "YUL", city: "Montreal" },
];

/// The location of that code.
#[must_use]
pub fn find(code: &str) -> Option<Pop> {
    POPS.iter().find(|pop| pop.code == code).copied()
}

/// Where shields stand, in the order they are taken.
pub const SHIELDS: [&str; 4] = ["IAD", "FRA", "SIN", "NRT"];

/// The first shields.
#[must_use]
pub fn shields(count: usize) -> Vec<Pop> {
    SHIELDS.iter().take(count).filter_map(|code| find(code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_three_capitals_and_used_once() {
        let codes: std::collections::BTreeSet<_> = POPS.iter().map(|pop| pop.code).collect();
        assert_eq!(codes.len(), POPS.len());
        assert!(codes.iter().all(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase())));
        assert!(POPS.len() >= 24);
        for pop in POPS {
            let known = crate::domain::pop::locate(pop.code).map(|found| found.city);
            assert_eq!(known, Some(pop.city), "{}", pop.code);
        }
        assert_eq!(shields(9).len(), SHIELDS.len());
    }
}
