//! Where the PoPs of CDNs are: city, country and coordinates of a location code.
//!
//! A code that the table does not know is shown as it is, stays off the map and is counted as unplaced
//! (facts: edges and vantage points, §2).

mod table;

use self::table::ROWS;

/// Code, city, country (ISO 3166), latitude and longitude in hundredths of a degree.
type Row = (&'static str, &'static str, &'static str, i16, i16);

/// Where a PoP is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Location {
    pub city: &'static str,
    /// Two letters (ISO 3166).
    pub country: &'static str,
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
}

/// The location that a code names: `FRA`, and with a number of the operator's own behind it (`FRA56`, `FRA1`,
/// `cdg-3`) the same. `None`: not in the table.
#[must_use]
pub fn locate(code: &str) -> Option<Location> {
    let letters = code.get(..3)?.to_ascii_uppercase();
    let numbered = code[3..].bytes().all(|b| b.is_ascii_digit() || b"-_".contains(&b));
    if !numbered {
        return None;
    }
    let at = ROWS.binary_search_by_key(&letters.as_str(), |row| row.0).ok()?;
    let (_, city, country, latitude, longitude) = ROWS[at];
    Some(Location {
        city,
        country,
        latitude: f64::from(latitude) / 100.0,
        longitude: f64::from(longitude) / 100.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn the_table_is_sorted_and_every_row_is_on_earth() {
        assert!(ROWS.is_sorted_by(|a, b| a.0 < b.0));
        for (code, city, country, latitude, longitude) in ROWS {
            assert!(code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()), "{code}");
            assert!(!city.is_empty() && country.len() == 2, "{code}");
            assert!(latitude.abs() <= 9000 && longitude.abs() <= 18_000, "{code}");
        }
    }

    #[rstest]
    #[case("FRA", Some("Frankfurt"))]
    #[case("fra", Some("Frankfurt"))]
    #[case("FRA56", Some("Frankfurt"))]
    #[case("nrt-1", Some("Tokyo"))]
    #[case("LON", Some("London"))]
    #[case("QWJ", Some("Americana"))]
    #[case("PNH", Some("Phnom Penh"))]
    #[case("XXX", None)]
    #[case("FRANKFURT", None)]
    #[case("DE1", None)]
    #[case("F", None)]
    #[case("éé", None)]
    #[case("", None)]
    fn codes_are_found_with_and_without_a_number(#[case] code: &str, #[case] city: Option<&str>) {
        assert_eq!(locate(code).map(|found| found.city), city);
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(code in "\\PC{0,12}") {
            let _ = locate(&code);
        }
    }
}
