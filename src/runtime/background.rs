//! What the terminal's answer about its background means: whether it is light or dark.

use crate::ui::theme::Ground;

/// What a colour as terminals write it is: `rgb:RRRR/GGGG/BBBB` with one to four digits each, `rgba:` with a fourth
/// part, or `#RRGGBB`.
pub fn ground(text: &str) -> Option<Ground> {
    let share = |digits: &str| {
        let most = (1_u32 << (4 * digits.len().clamp(1, 4))) - 1;
        let fits = digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| fits)?;
        Some(f64::from(value) / f64::from(most))
    };
    let parts: Vec<f64> = if let Some(digits) = text.strip_prefix('#') {
        let each = digits.len() / 3;
        if !digits.is_ascii() || each == 0 || digits.len() != each * 3 {
            return None;
        }
        (0..3).map(|at| share(&digits[at * each..][..each])).collect::<Option<_>>()?
    } else {
        let list = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
        list.split('/').map(share).collect::<Option<_>>()?
    };
    let [red, green, blue] = *parts.get(..3)? else { return None };
    if parts.len() > 4 {
        return None;
    }
    let linear = |share: f64| {
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    // half of the lightness that people see
    Some(if luminance > 0.184 { Ground::Light } else { Ground::Dark })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("rgb:0000/0000/0000", Some(Ground::Dark))]
    #[case("rgb:ffff/ffff/ffff", Some(Ground::Light))]
    #[case("rgb:FD/f6/e3", Some(Ground::Light))]
    #[case("rgb:0/2/3", Some(Ground::Dark))]
    #[case("rgba:ffff/ffff/ffff/8000", Some(Ground::Light))]
    #[case("#1d1f21", Some(Ground::Dark))]
    #[case("#ffffffffffff", Some(Ground::Light))]
    #[case("?", None)]
    #[case("rgb:", None)]
    #[case("rgb:00/00", None)]
    #[case("rgb:+1/00/00", None)]
    #[case("rgb:00000/00/00", None)]
    #[case("#üü", None)]
    #[case("rgb:0/0/0/0/0", None)]
    fn colours_are_light_dark_or_nothing(#[case] text: &str, #[case] expected: Option<Ground>) {
        assert_eq!(ground(text), expected);
    }
}
