//! Quotes around words: for the command line here, and for a shell.

use super::commands::words;

/// A name as [`words`] takes it back.
#[must_use]
pub fn quoted(name: &str) -> String {
    match words(name).as_deref() {
        Ok([one]) if one == name => name.to_owned(),
        _ if name.contains('\'') => format!("\"{name}\""),
        _ => format!("'{name}'"),
    }
}

/// A word that a POSIX shell takes as it is.
#[must_use]
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_spaces_come_back_whole() {
        assert_eq!(words(&quoted("press/old name")).unwrap(), ["press/old name"]);
        assert_eq!(words(&quoted("it's")).unwrap(), ["it's"]);
        assert_eq!(quoted("plain"), "plain");
    }

    #[test]
    fn a_shell_sees_one_word() {
        assert_eq!(shell("http://h/a.jpg"), "http://h/a.jpg");
        assert_eq!(shell("a b;rm -rf '~'"), r"'a b;rm -rf '\''~'\'''");
        assert_eq!(shell(""), "''");
    }
}
