//! What the environment says about colours and characters. The terminal is not asked.

use crate::ui::theme::Depth;

/// Colours by `NO_COLOR`, `COLORTERM` and `TERM`; sixteen where nothing is known.
pub fn depth(env: impl Fn(&str) -> Option<String>) -> Depth {
    depth_and_why(env).0
}

/// The same, with what says so.
pub fn depth_and_why(env: impl Fn(&str) -> Option<String>) -> (Depth, String) {
    let get = |name| env(name).filter(|value| !value.is_empty());
    let term = get("TERM").unwrap_or_default();
    if get("NO_COLOR").is_some() {
        return (Depth::Mono, "NO_COLOR says".to_owned());
    }
    let by_term =
        if term.is_empty() { "TERM is not set".to_owned() } else { format!("TERM={term} says") };
    if term == "dumb" {
        return (Depth::Mono, by_term);
    }
    if let Some(word) = get("COLORTERM").filter(|word| word == "truecolor" || word == "24bit") {
        return (Depth::True, format!("COLORTERM={word} says"));
    }
    if term.ends_with("-direct") {
        return (Depth::True, by_term);
    }
    let many = ["256color", "kitty", "alacritty", "wezterm", "ghostty", "foot"];
    let depth =
        if many.iter().any(|word| term.contains(word)) { Depth::Indexed } else { Depth::Sixteen };
    (depth, by_term)
}

/// Whether the locale names another character set than UTF-8. An unset locale says nothing: then Unicode is used.
pub fn locale_lacks_unicode(env: impl Fn(&str) -> Option<String>) -> bool {
    let named = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| env(name).filter(|value| !value.is_empty()));
    named.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        !(locale.contains("utf-8") || locale.contains("utf8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn of<'a>(vars: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[rstest]
    #[case(&[("TERM", "xterm-256color")], Depth::Indexed)]
    #[case(&[("TERM", "xterm")], Depth::Sixteen)]
    #[case(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Depth::True)]
    #[case(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")], Depth::Mono)]
    #[case(&[("TERM", "xterm"), ("NO_COLOR", "")], Depth::Sixteen)]
    #[case(&[("TERM", "dumb")], Depth::Mono)]
    fn colours_follow_the_environment(#[case] vars: &[(&str, &str)], #[case] expected: Depth) {
        assert_eq!(depth(of(vars)), expected);
    }

    #[test]
    fn only_a_locale_that_says_so_lacks_unicode() {
        assert!(!locale_lacks_unicode(of(&[])));
        assert!(!locale_lacks_unicode(of(&[("LANG", "de_DE.UTF-8")])));
        assert!(locale_lacks_unicode(of(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")])));
    }
}
