//! How URLs are shown: in full for opening, and short for the head of a column.

use crate::domain::account::Account;
use crate::domain::delivery_url::{DeliveryHost, DeliveryUrl, PathForm};
use crate::domain::text::clean;

/// A URL as an operator may open it; signatures and tokens are masked, because the journal keeps it. Cleaned.
#[must_use]
pub fn shown(url: &DeliveryUrl, account: &Account) -> String {
    let text = if url.has_credentials() { url.masked() } else { url.render(account) };
    clean(&text).into_owned()
}

/// What tells a URL apart from the others of its asset: `original`, `v1`, `c_scale,w_300 v1`. Cleaned.
#[must_use]
pub fn short(url: &DeliveryUrl) -> String {
    if url.is_web() {
        return clean(&url.host_name()).into_owned();
    }
    let mut parts = url.transformations.clone();
    if let Some(version) = url.version {
        parts.push(format!("v{version}"));
    }
    parts.extend(form(url.form).map(str::to_owned));
    parts.extend(url.suffix.as_ref().map(|suffix| format!("/{suffix}")));
    parts.extend(url.query.as_ref().map(|_| "?…".to_owned()));
    parts.extend(url.signature.as_ref().map(|_| "signed".to_owned()));
    parts.extend((!url.https).then(|| "http".to_owned()));
    if url.host != DeliveryHost::Shared {
        parts.push(url.host_name());
    }
    if url.transformations.is_empty() && url.version.is_none() {
        parts.insert(0, "original".to_owned());
    }
    clean(&parts.join(" ")).into_owned()
}

const fn form(form: PathForm) -> Option<&'static str> {
    match form {
        PathForm::Plain => None,
        PathForm::Seo => Some("seo"),
        PathForm::Root => Some("root"),
        PathForm::Short => Some("iu"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::image;

    #[test]
    fn short_labels_name_what_differs() {
        let account = Account::named("demo");
        let original = DeliveryUrl::original(&account, &image("press/hero"), Some("jpg"));
        assert_eq!(short(&original), "original");
        assert_eq!(short(&original.clone().with_v1()), "v1");
        assert_eq!(short(&original.clone().with_version(1_795_000_001)), "v1795000001");
        let derived = original.clone().with_transformation("c_scale,w_300");
        assert_eq!(short(&derived.clone().with_v1()), "c_scale,w_300 v1");
        assert_eq!(short(&derived), "c_scale,w_300");
        assert_eq!(short(&original.over_http()), "original http");
    }
}
