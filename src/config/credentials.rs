//! Where credentials come from: `CLOUDINARY_URL`, single variables as the SDKs read them, a profile of our file, or
//! one of the official `cld` tool, whose files are read and never written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::error::ConfigError;
use super::paths::Env;
use crate::adapters::cloudinary::SignatureAlgorithm;
use crate::adapters::io_in_words;
use crate::adapters::places::SHARED_HOST;
use crate::domain::text::clean;

/// What a source of credentials tells; the rest has defaults.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub cloud_name: Option<String>,
    pub api_key: Option<String>,
    pub api_secret: Option<SecretString>,
    /// API prefix.
    pub api: Option<String>,
    pub signature: Option<SignatureAlgorithm>,
    /// Private hosts and CNAMEs.
    pub own_hosts: Vec<String>,
    /// It holds the tokens of a sign-in instead of key and secret.
    pub signed_in: bool,
}

/// Reads `cloudinary://<api_key>:<api_secret>@<cloud>[/<secure_distribution>][?key=value…]` (facts: configuration).
/// Unlike in SDKs the case of the cloud name is kept.
pub(super) fn parse_url(from: &str, url: &SecretString) -> Result<Told, ConfigError> {
    let bad = |why: &str| ConfigError::BadUrl { from: from.to_owned(), why: why.to_owned() };
    let url = url.expose_secret().trim();
    if url.starts_with("CLOUDINARY_URL=") {
        return Err(bad("it begins with `CLOUDINARY_URL=`; only what follows is the URL"));
    }
    let scheme = "cloudinary://";
    let rest = match url.get(..scheme.len()) {
        Some(found) if found.eq_ignore_ascii_case(scheme) => &url[scheme.len()..],
        _ => return Err(bad("it does not begin with cloudinary://")),
    };
    if rest.contains(['<', '>']) {
        return Err(bad("it still has placeholders in angle brackets"));
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (who, place) = match place.rsplit_once('@') {
        Some((who, place)) => (Some(who), place),
        None if place.contains(':') => return Err(bad("there is no @ before the cloud name")),
        None => (None, place),
    };
    let (cloud, path) = place.split_once('/').unwrap_or((place, ""));
    let cloud_name = cloud_name(cloud).map_err(bad)?;
    let (key, secret) = who.map_or(("", ""), |who| who.split_once(':').unwrap_or((who, "")));
    let mut told = Told {
        cloud_name: Some(cloud_name),
        api_key: some(key),
        api_secret: some(secret).map(SecretString::from),
        ..Told::default()
    };
    let mut hosts = Hosts::default();
    if !path.trim_matches('/').is_empty() {
        hosts.private_cdn = true;
        hosts.secure_distribution = some(path.trim_matches('/'));
    }
    let query =
        Url::parse(&format!("http://query/?{query}")).map_err(|_| bad("its query is odd"))?;
    for (name, value) in query.query_pairs() {
        told.option(&format!("{name} of {from}"), &name, &value, &mut hosts)?;
    }
    told.own_hosts = hosts.of(told.cloud_name.as_deref().unwrap_or_default());
    Ok(told)
}

/// Reads `CLOUDINARY_CLOUD_NAME` and its sisters; with it set the SDKs ignore `CLOUDINARY_URL`. `None`: not set.
pub(super) fn from_variables(env: &Env) -> Result<Option<Told>, ConfigError> {
    let Some(name) = env.get("CLOUDINARY_CLOUD_NAME") else { return Ok(None) };
    let cloud = cloud_name(name).map_err(|why| ConfigError::BadValue {
        from: "CLOUDINARY_CLOUD_NAME".to_owned(),
        what: why.to_owned(),
        expected: "the cloud name alone, such as `acme`".to_owned(),
    })?;
    let mut told = Told {
        api_key: env.get("CLOUDINARY_API_KEY").map(str::to_owned),
        api_secret: env.get("CLOUDINARY_API_SECRET").map(SecretString::from),
        ..Told::default()
    };
    let mut hosts = Hosts::default();
    for option in OPTIONS {
        let variable = format!("CLOUDINARY_{}", option.to_ascii_uppercase());
        if let Some(value) = env.get(&variable) {
            told.option(&variable, option, value, &mut hosts)?;
        }
    }
    told.own_hosts = hosts.of(&cloud);
    told.cloud_name = Some(cloud);
    Ok(Some(told))
}

/// Options of a URL's query, and of variables of their own, that mean something here.
const OPTIONS: [&str; 6] = [
    "upload_prefix",
    "signature_algorithm",
    "secure_distribution",
    "private_cdn",
    "cname",
    "oauth_token",
];

impl Told {
    fn option(
        &mut self,
        from: &str,
        name: &str,
        value: &str,
        hosts: &mut Hosts,
    ) -> Result<(), ConfigError> {
        match name {
            "upload_prefix" => self.api = Some(api_prefix(from, value)?),
            "signature_algorithm" => {
                self.signature = Some(value.parse().map_err(|_| ConfigError::BadValue {
                    from: from.to_owned(),
                    what: format!("`{}` is no signature algorithm", clean(value)),
                    expected: "sha1 or sha256".to_owned(),
                })?);
            }
            "secure_distribution" => hosts.secure_distribution = some(value),
            "private_cdn" => hosts.private_cdn = is_true(value),
            "cname" => hosts.cname = some(value),
            "oauth_token" => self.signed_in = true,
            _ => {} // SDKs take any key
        }
        Ok(())
    }
}

/// Delivery hosts as SDK options name them (facts: delivery URLs, "Host form").
#[derive(Default)]
struct Hosts {
    private_cdn: bool,
    secure_distribution: Option<String>,
    cname: Option<String>,
}

impl Hosts {
    fn of(self, cloud: &str) -> Vec<String> {
        let own = self.private_cdn && self.secure_distribution.is_none();
        let private = own.then(|| format!("{cloud}-res.cloudinary.com").to_ascii_lowercase());
        [private, self.secure_distribution, self.cname]
            .into_iter()
            .flatten()
            .filter_map(|host| delivery_host(&host).ok())
            .filter(|host| host != SHARED_HOST)
            .collect()
    }
}

/// A cloud name: letters, digits, `-` and `_`.
pub(super) fn cloud_name(raw: &str) -> Result<String, &'static str> {
    let raw = raw.trim();
    if raw.is_empty() {
        return Err("the cloud name is missing");
    }
    let fits = raw.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if fits {
        Ok(raw.to_owned())
    } else {
        Err("the cloud name has other characters than letters, digits, - and _")
    }
}

/// An API prefix without slash at its end.
pub(super) fn api_prefix(from: &str, raw: &str) -> Result<String, ConfigError> {
    let trimmed = raw.trim().trim_end_matches('/');
    let fits = Url::parse(trimmed).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if fits {
        return Ok(trimmed.to_owned());
    }
    Err(ConfigError::BadValue {
        from: from.to_owned(),
        what: "this is no address of an API".to_owned(), // it may hold a password
        expected: "something like https://api.cloudinary.com, without user, query or fragment"
            .to_owned(),
    })
}

/// A delivery host, perhaps with a port, in lower case.
pub(super) fn delivery_host(raw: &str) -> Result<String, String> {
    let host = raw.trim().to_ascii_lowercase();
    let fits = Url::parse(&format!("https://{host}/"))
        .is_ok_and(|url| url.path() == "/" && url.username().is_empty() && url.query().is_none())
        && !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    if fits {
        Ok(host)
    } else {
        Err(format!("`{}` is no host name; give it without https:// and path", clean(raw)))
    }
}

/// Whether an SDK option is on.
fn is_true(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no")
}

fn some(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Named configurations of the official `cld` tool.
#[derive(Debug, Clone, Default)]
pub(super) struct CldProfiles {
    pub path: PathBuf,
    /// The name under `__default__`.
    pub default: Option<String>,
    pub urls: BTreeMap<String, SecretString>,
}

/// Reads them; a file that cannot be used is a warning, for nobody here wrote it.
pub(super) fn cld_profiles(env: &Env, warnings: &mut Vec<String>) -> CldProfiles {
    let folder = match (env.get("CLOUDINARY_HOME"), env.home()) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(home)) => home.join(".cloudinary-cli"),
        (None, None) => return CldProfiles::default(),
    };
    let older = env.home().map(|home| home.join(".cloudinary-cli-config"));
    for path in [Some(folder.join("config.json")), older].into_iter().flatten() {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(why)
                if matches!(
                    why.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                continue;
            }
            Err(why) => {
                warnings.push(format!("{} cannot be read: {}", path.display(), io_in_words(&why)));
                continue;
            }
        };
        let Ok(Value::Object(entries)) = serde_json::from_str(&text) else {
            warnings.push(format!(
                "{} is no JSON object; its profiles are not offered",
                path.display()
            ));
            continue;
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        return CldProfiles {
            default: entries.get("__default__").and_then(text),
            urls: entries
                .iter()
                .filter(|(name, _)| !name.starts_with("__"))
                .filter_map(|(name, url)| Some((name.clone(), SecretString::from(text(url)?))))
                .collect(),
            path,
        };
    }
    CldProfiles::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn url(text: &str) -> Result<Told, ConfigError> {
        parse_url("CLOUDINARY_URL", &SecretString::from(text))
    }

    #[rstest]
    #[case("cloudinary://key:hush@Acme", "Acme key hush - - ")]
    #[case("CLOUDINARY://key:hush@acme/", "acme key hush - - ")]
    #[case(" cloudinary://key:hush@acme\n", "acme key hush - - ")]
    #[case("cloudinary://key:hu:s@h@acme", "acme key hu:s@h - - ")]
    #[case(
        "cloudinary://key:hush@acme?upload_prefix=http%3A%2F%2F127.0.0.1%3A8080/",
        "acme key hush http://127.0.0.1:8080 - "
    )]
    #[case(
        "cloudinary://key:hush@acme?upload_prefix=http://127.0.0.1:8080&secure=true&a[b]=c",
        "acme key hush http://127.0.0.1:8080 - "
    )]
    #[case("cloudinary://key:hush@acme?signature_algorithm=sha256", "acme key hush - sha256 ")]
    #[case("cloudinary://key:hush@acme/media.acme.test", "acme key hush - - media.acme.test")]
    #[case(
        "cloudinary://key:hush@Acme?private_cdn=true",
        "Acme key hush - - acme-res.cloudinary.com"
    )]
    #[case(
        "cloudinary://key:hush@acme?private_cdn=false&secure_distribution=M.acme.test&cname=img.acme.test",
        "acme key hush - - m.acme.test,img.acme.test"
    )]
    #[case(
        "cloudinary://key:hush@acme?secure_distribution=res.cloudinary.com",
        "acme key hush - - "
    )]
    #[case("cloudinary://acme?oauth_token=t", "acme - - - -  signed in")]
    #[case("cloudinary://key@acme", "acme key - - - ")]
    fn urls_are_read_as_the_sdks_read_them(#[case] text: &str, #[case] expected: &str) {
        let told = url(text).unwrap();
        let or = |text: Option<String>| text.unwrap_or("-".to_owned());
        let read = format!(
            "{} {} {} {} {} {}{}",
            or(told.cloud_name),
            or(told.api_key),
            or(told.api_secret.map(|secret| secret.expose_secret().to_owned())),
            or(told.api),
            or(told.signature.map(|algorithm| algorithm.as_str().to_owned())),
            told.own_hosts.join(","),
            if told.signed_in { " signed in" } else { "" }
        );
        assert_eq!(read, expected);
    }

    #[rstest]
    #[case("", "it does not begin with cloudinary://")]
    #[case("https://key:hush@acme", "it does not begin with cloudinary://")]
    #[case("clouidnäry://key:hush@acme", "it does not begin with cloudinary://")]
    #[case(
        "CLOUDINARY_URL=cloudinary://key:hush@acme",
        "it begins with `CLOUDINARY_URL=`; only what follows is the URL"
    )]
    #[case(
        "cloudinary://<your_api_key>:<hush>@acme",
        "it still has placeholders in angle brackets"
    )]
    #[case("cloudinary://key:hush", "there is no @ before the cloud name")]
    #[case("cloudinary://key:hush@", "the cloud name is missing")]
    #[case("cloudinary://", "the cloud name is missing")]
    #[case(
        "cloudinary://key:hush@acme:443",
        "the cloud name has other characters than letters, digits, - and _"
    )]
    fn what_is_no_url_is_said_without_repeating_it(#[case] text: &str, #[case] why: &str) {
        let error = url(text).unwrap_err();
        assert_eq!(error.to_string(), format!("CLOUDINARY_URL is no cloudinary:// URL: {why}"));
        assert!(!format!("{error:?} {:?}", error.hint()).contains("hush"));
    }

    #[rstest]
    #[case(
        "cloudinary://k:s@acme?upload_prefix=api.acme.test",
        "upload_prefix of CLOUDINARY_URL: this is no address of an API"
    )]
    #[case(
        "cloudinary://k:s@acme?upload_prefix=ftp://x",
        "upload_prefix of CLOUDINARY_URL: this is no address of an API"
    )]
    #[case(
        "cloudinary://k:s@acme?upload_prefix=http://u:hush@x",
        "upload_prefix of CLOUDINARY_URL: this is no address of an API"
    )]
    #[case(
        "cloudinary://k:s@acme?signature_algorithm=md5",
        "signature_algorithm of CLOUDINARY_URL: `md5` is no signature algorithm"
    )]
    fn odd_options_are_named(#[case] text: &str, #[case] message: &str) {
        assert_eq!(url(text).unwrap_err().to_string(), message);
    }

    #[test]
    fn single_variables_are_read() {
        let env = Env::of([
            ("CLOUDINARY_CLOUD_NAME", "acme"),
            ("CLOUDINARY_API_KEY", "key"),
            ("CLOUDINARY_API_SECRET", "hush"),
            ("CLOUDINARY_UPLOAD_PREFIX", "http://127.0.0.1:1/"),
            ("CLOUDINARY_PRIVATE_CDN", "True"),
        ]);
        let told = from_variables(&env).unwrap().unwrap();
        assert_eq!(told.api.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(told.own_hosts, ["acme-res.cloudinary.com"]);
        assert!(told.api_secret.is_some() && told.cloud_name.as_deref() == Some("acme"));
        assert!(from_variables(&Env::of([("CLOUDINARY_API_KEY", "key")])).unwrap().is_none());
    }

    #[rstest]
    #[case("media.acme.test", true)]
    #[case("media.acme.test:8443", true)]
    #[case("[::1]:80", true)]
    #[case("https://media.acme.test", false)]
    #[case("media.acme.test/x", false)]
    #[case("", false)]
    #[case("a b", false)]
    fn hosts_are_bare(#[case] raw: &str, #[case] fits: bool) {
        assert_eq!(delivery_host(raw).is_ok(), fits);
    }

    #[test]
    fn profiles_of_the_official_tool_are_read() {
        let home = tempfile::tempdir().unwrap();
        let env = Env::of([("HOME", home.path().to_str().unwrap())]);
        let mut warnings = Vec::new();
        assert!(cld_profiles(&env, &mut warnings).urls.is_empty());
        let older = home.path().join(".cloudinary-cli-config");
        std::fs::write(&older, r#"{"old":"cloudinary://k:s@old"}"#).unwrap();
        assert_eq!(cld_profiles(&env, &mut warnings).urls.len(), 1);
        std::fs::create_dir(home.path().join(".cloudinary-cli")).unwrap();
        let file = home.path().join(".cloudinary-cli/config.json");
        std::fs::write(
            &file,
            r#"{"a":"cloudinary://k:s@a","__default__":"a","__x__":"y","odd":5}"#,
        )
        .unwrap();
        let found = cld_profiles(&env, &mut warnings);
        assert_eq!((found.default.as_deref(), found.urls.len()), (Some("a"), 1));
        assert!(!format!("{found:?}").contains("k:s"));
        std::fs::write(&file, "[").unwrap();
        assert_eq!((warnings.len(), cld_profiles(&env, &mut warnings).urls.len()), (0, 1));
        assert!(
            warnings[0].ends_with("config.json is no JSON object; its profiles are not offered")
        );
    }
}
