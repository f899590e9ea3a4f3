//! Fuzzy matching of short texts: letters in their order, the better the closer together and the nearer to the
//! beginning of words.

/// How well `text` matches `typed`, letter case aside; `None`: not all letters are there in their order.
#[must_use]
pub fn score(text: &str, typed: &str) -> Option<u32> {
    let (text, typed) = (text.to_lowercase(), typed.to_lowercase());
    if text == typed {
        return Some(10_000);
    }
    if let Some(rest) = text.strip_prefix(&typed) {
        return Some(5_000 - u32::try_from(rest.chars().count()).unwrap_or(999).min(999));
    }
    if let Some(at) = text.find(&typed) {
        let at = u32::try_from(at).unwrap_or(999).min(999);
        return Some(3_000 - at);
    }
    let mut found = 0_u32;
    let mut before = ' ';
    let mut run = 0;
    let mut wanted = typed.chars().filter(|c| !c.is_whitespace()).peekable();
    wanted.peek()?;
    for c in text.chars() {
        if Some(&c) == wanted.peek() {
            wanted.next();
            run += 1;
            found += 2 * run + if before.is_alphanumeric() { 0 } else { 8 };
        } else {
            run = 0;
        }
        before = c;
    }
    wanted.peek().is_none().then_some(found.min(1_999))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_then_the_beginning_then_a_part_then_letters() {
        let scores: Vec<_> = ["theme", "themes", "the-theme", "t h e m e x", "rename"]
            .into_iter()
            .map(|text| score(text, "theme"))
            .collect();
        assert!(scores.windows(2).all(|pair| pair[0] > pair[1]), "{scores:?}");
        assert_eq!(scores[4], None);
        assert!(score("order.rename", "orn") > score("colour rain", "orn"));
        assert_eq!(score("anything", " "), None);
    }
}
