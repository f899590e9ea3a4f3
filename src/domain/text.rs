//! Cleaning of foreign text before it reaches a terminal, a log or a file.

/// Whether `c` may not be shown as it is: C0 and C1 controls, bidi controls, zero-width and other invisible marks.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// `raw` on one line with every unsafe character replaced by `U+FFFD`; borrowed when nothing had to change.
#[must_use]
pub fn clean(raw: &str) -> std::borrow::Cow<'_, str> {
    if raw.chars().any(is_unsafe) {
        raw.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect::<String>().into()
    } else {
        raw.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_escape_sequence_loses_its_escape() {
        assert_eq!(clean("a\u{1b}[31mred\u{202e}x"), "a\u{fffd}[31mred\u{fffd}x");
        assert!(matches!(clean("press/été 2026"), std::borrow::Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_unsafe_survives(raw in any::<String>()) {
            prop_assert!(!clean(&raw).chars().any(is_unsafe));
        }
    }
}
