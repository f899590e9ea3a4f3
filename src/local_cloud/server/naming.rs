//! Names that uploads and renames give (facts §2.3).

use super::Cloud;
use super::params::Params;
use super::reply::Reply;
use crate::domain::asset::ResourceType;
use crate::domain::public_id::PublicId;
use crate::local_cloud::chance::Chance;
use crate::local_cloud::world::refusal::Refusal;

/// A name that is to be stored: spaces and slashes at the ends are cut off, other white space and invisible
/// characters become `_`.
///
/// # Errors
/// What is left breaks the rules. Empty parts and the parts `.` and `..` are refused too: no client could ask for
/// the URL (the documentation does not speak of them).
pub fn new_public_id(raw: &str) -> Result<PublicId, Reply> {
    let refused = || Refusal::BadPublicId { id: raw.to_owned() }.into();
    let cleaned: String =
        raw.trim_matches([' ', '/']).chars().map(|c| if is_odd(c) { '_' } else { c }).collect();
    if cleaned.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(refused());
    }
    cleaned.parse().map_err(|_| refused())
}

/// White space that is no plain space, and what turns or hides text. Control characters are no such thing: they are
/// refused.
fn is_odd(c: char) -> bool {
    let invisible = matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    invisible || (c.is_whitespace() && c != ' ' && !c.is_control())
}

/// A name that exists or not; what cannot be a name does not exist.
pub fn known_public_id(raw: &str) -> Result<PublicId, Reply> {
    PublicId::from_cloud(raw).map_err(|_| Refusal::NotFound { id: raw.to_owned() }.into())
}

/// The name that an upload gets.
pub fn chosen_id(
    cloud: &Cloud,
    params: &Params,
    resource_type: ResourceType,
    file_name: Option<&str>,
) -> Result<PublicId, Reply> {
    let id = match (params.text("public_id"), file_name) {
        (Some(given), _) => given.to_owned(),
        (None, Some(name)) if params.switch("use_filename")? => {
            let base = if resource_type == ResourceType::Raw { last(name) } else { stem(name) };
            let base: String =
                base.chars().map(|c| if r"?&#\%<>+/ ".contains(c) { '_' } else { c }).collect();
            if params.optional_switch("unique_filename")?.unwrap_or(true) {
                unique(cloud, &base, resource_type)
            } else {
                base
            }
        }
        (None, name) => {
            let extension = name.and_then(|name| name.rsplit_once('.')).map(|(_, ext)| ext);
            let word = random_word(cloud, 20);
            match extension.filter(|_| resource_type == ResourceType::Raw) {
                Some(extension) => format!("{word}.{extension}"),
                None => word,
            }
        }
    };
    let by_folder = params.switch("use_asset_folder_as_public_id_prefix")?;
    let prefix = params
        .text("public_id_prefix")
        .or_else(|| params.text("folder"))
        .or_else(|| params.text("asset_folder").filter(|_| by_folder));
    match prefix.map(|prefix| prefix.trim_matches([' ', '/'])).filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => new_public_id(&format!("{prefix}/{}", id.trim_matches([' ', '/']))),
        None => new_public_id(&id),
    }
}

/// `base` with six random characters, before the extension where the ID carries one.
fn unique(cloud: &Cloud, base: &str, resource_type: ResourceType) -> String {
    let word = random_word(cloud, 6);
    match base.rsplit_once('.') {
        Some((stem, extension)) if resource_type == ResourceType::Raw => {
            format!("{stem}_{word}.{extension}")
        }
        _ => format!("{base}_{word}"),
    }
}

/// File name without folders.
fn last(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// File name without folders and extension.
pub fn stem(name: &str) -> &str {
    let name = last(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn random_word(cloud: &Cloud, letters: u64) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let chance = Chance::new(cloud.settings.seed);
    let call = cloud.next_number();
    let letter = |at| usize::try_from(chance.below(36, "name", &[call, at])).unwrap_or(0);
    (0..letters).map(|at| char::from(ALPHABET[letter(at)])).collect()
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn new_names_are_cleaned_or_refused() {
        let named = |raw: &str| new_public_id(raw).ok().map(|id| id.to_string());
        assert_eq!(named(" /press/hero/ ").as_deref(), Some("press/hero"));
        assert_eq!(named("a\u{a0}b\u{202e}c").as_deref(), Some("a_b_c"));
        assert_eq!(named("...").as_deref(), Some("..."));
        let longest = "é".repeat(255);
        assert_eq!(named(&longest), Some(longest.clone()));
        for bad in ["", "/", "a/../b", "..", "./a", "a//b", "a\nb", "a\0", "a?b", "a%2Fb", "a+b"] {
            assert_eq!(named(bad), None, "{bad:?}");
        }
        assert_eq!(named(&format!("{longest}x")), None);
    }

    #[test]
    fn file_names_lose_folder_and_extension() {
        assert_eq!(stem("C:\\pics\\hero.final.jpg"), "hero.final");
        assert_eq!(stem("/etc/passwd"), "passwd");
        assert_eq!(last("a/b.txt"), "b.txt");
    }
}
