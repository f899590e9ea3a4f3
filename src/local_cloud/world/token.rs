//! Access tokens in the query: `__cld_token__=st=…~exp=…~acl=…~hmac=…` (facts §4.4; the SDKs' `auth_token`).

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The token in a query, as written.
pub fn of_query(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("__cld_token__="))
}

/// Until when `token` lets somebody have `path` (with query), in UNIX seconds; `None` where it does not at
/// `unix_now`. `key` is in hex, as the service hands it out. A token that is bound to an address (`ip`) opens
/// nothing: edges here see loopback only.
pub fn opens(token: &str, path: &str, key: &SecretString, unix_now: i64) -> Option<i64> {
    let (signed, hmac) = token.rsplit_once("~hmac=")?;
    let field = |name: &str| {
        signed.split('~').find_map(|field| field.split_once('=').filter(|(own, _)| *own == name))
    };
    let time = |name: &str| field(name).and_then(|(_, text)| text.parse::<i64>().ok());
    let path = path.split('?').next().unwrap_or_default();
    let acl = field("acl").map(|(_, acl)| acl);
    // without a list the address itself was signed, escaped as the SDKs do
    let signed_url = acl.is_none().then(|| format!("{signed}~url={}", escaped(path)));
    let key = hex::decode(key.expose_secret()).ok()?;
    let message = signed_url.as_deref().unwrap_or(signed);
    let expected = hex::encode(hmac_sha256(&key, message.as_bytes()));
    let has_begun = field("st").is_none() || time("st").is_some_and(|start| start <= unix_now);
    let covers = acl.is_none_or(|acl| acl.split('!').any(|one| covers(&unescaped(one), path)));
    let is_ours = bool::from(expected.as_bytes().ct_eq(hmac.as_bytes()));
    let opens = is_ours && has_begun && covers && field("ip").is_none();
    time("exp").filter(|end| opens && unix_now < *end)
}

/// `/image/*`: a path with `*` for any text.
fn covers(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    // a star at the end takes everything
    rest.is_empty() || last == Some("")
}

/// As the SDKs escape in tokens: the marks of a URL as `%xx` in lower case.
fn escaped(text: &str) -> String {
    const MARKS: &[u8] = b" \"#%&'/:;<=>?@[\\]^`{|}~";
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if MARKS.contains(&byte) {
            let _ = write!(escaped, "%{byte:02x}");
        } else {
            escaped.push(char::from(byte));
        }
        escaped
    })
}

fn unescaped(text: &str) -> String {
    let mut raw = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let mut decoded = [0];
        match after.get(..2) {
            Some(digits) if byte == b'%' && hex::decode_to_slice(digits, &mut decoded).is_ok() => {
                raw.push(decoded[0]);
                rest = &after[2..];
            }
            _ => {
                raw.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&raw).into_owned()
}

/// A token for the paths that `acl` covers, as SDKs make them.
#[cfg(test)]
pub fn made(acl: &str, exp: i64, key: &SecretString) -> String {
    let signed = format!("exp={exp}~acl={}", escaped(acl));
    let key = hex::decode(key.expose_secret()).unwrap();
    format!("{signed}~hmac={}", hex::encode(hmac_sha256(&key, signed.as_bytes())))
}

/// HMAC (RFC 2104) with SHA-256.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let keyed = |pad: u8| Sha256::new().chain_update(block.map(|byte| byte ^ pad));
    let inner = keyed(0x36).chain_update(message).finalize();
    keyed(0x5c).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_rfc_4231() {
        let hash = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(
            hex::encode(hash),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    /// Made by `cloudinary.utils.generate_auth_token` and `cloudinary_url` of the Python SDK.
    #[rstest::rstest]
    #[case(
        "st=1111111111~exp=1111111411~acl=%2fdemo%2fimage%2fauthenticated%2f*~hmac=d90c549d8e8f20a204459628a22c1215ebf04f27cafa4fc65a5641ad6f4d2ac3",
        "/demo/image/authenticated/v1/x.jpg"
    )]
    #[case(
        "exp=1111111411~acl=%2fdemo%2fa%2f*!%2fdemo%2fb%20b%2fx.jpg~hmac=1908ebe40164a66d73bc1ddc1f1b4d8668cef752816fb28823204996ac22e2bb",
        "/demo/a/x.jpg"
    )]
    #[case(
        "exp=1111111411~hmac=0ec26ffcf1198a4e2cc877fe68c36a3475d7224f4de2b020f5693aea9b6b189e",
        "/image/authenticated/v1/a%28b%29/hero.jpg?_a=1"
    )]
    #[case(
        "exp=1111111411~hmac=ddb5752b0a17fb4fd16f1d1f96af054b58eacc6edbfd585bc65c3671f934f5f3",
        "/demo/image/authenticated/c_scale,w_300/v5/hero.jpg"
    )]
    fn the_sdks_tokens_open_what_they_were_made_for(#[case] token: &str, #[case] path: &str) {
        let key = "00112233ff99".to_owned().into();
        let until = |token, path, at| opens(token, path, &key, at);
        assert_eq!(until(token, path, 1_111_111_200), Some(1_111_111_411));
        assert_eq!(until(token, "/demo/image/upload/other.jpg", 1_111_111_200), None);
        assert_eq!(until(token, path, 1_111_111_411), None, "it is over");
        assert!(!token.contains("st=") || until(token, path, 1_111_111_110).is_none(), "not begun");
        let longer = token.replace("exp=1111111411", "exp=1999999999");
        assert_eq!(until(&longer, path, 1_111_111_200), None);
        assert_eq!(until("", path, 0), None);
        assert_eq!(opens(token, path, &"aa112233ff99".to_owned().into(), 1_111_111_200), None);
    }

    #[test]
    fn lists_of_paths_may_have_stars() {
        assert!(covers("/demo/image/authenticated/*", "/demo/image/authenticated/v1/a/x.jpg"));
        assert!(covers("/demo/*/x.jpg", "/demo/image/a/x.jpg"));
        assert!(!covers("/demo/*/x.jpg", "/demo/image/a/y.jpg"));
        assert!(covers("/demo/x.jpg", "/demo/x.jpg"));
        assert!(!covers("/demo/x.jpg", "/demo/x.jpg/y"));
    }
}
