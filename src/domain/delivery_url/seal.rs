//! A URL without what grants access, for places where no right of access may be kept.

use sha2::{Digest as _, Sha256};

use super::{DeliveryHost, DeliveryUrl};
use crate::domain::secrets;

/// What a sealed part begins with.
const MARK: &str = "***";

impl DeliveryUrl {
    /// The URL with a mark for every signature and token, another one for other rights of access to the same copy;
    /// `None` where it grants nothing.
    #[must_use]
    pub fn sealed(&self) -> Option<Self> {
        let query = self.query.as_deref();
        if !self.has_credentials() && !secrets::carries_secret("", query) {
            return None;
        }
        let digest = hex::encode(Sha256::digest(self.canonical()));
        let mark = format!("{MARK}{}", &digest[..8]);
        let hidden = |text: &str, before: &str| {
            let masked = secrets::masked(&format!("https://x{before}{text}")).into_owned();
            let rest = masked.strip_prefix("https://x").and_then(|rest| rest.strip_prefix(before));
            rest.unwrap_or(MARK).replace(MARK, &mark)
        };
        let mut sealed = self.clone();
        sealed.signature = self.signature.as_ref().map(|_| mark.clone());
        sealed.query = query.map(|query| hidden(query, "/?"));
        if let DeliveryHost::Web { path, .. } = &mut sealed.host {
            *path = hidden(path, "");
        }
        Some(sealed)
    }

    /// Whether something of it is sealed: it cannot be asked for as it is.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        let marked = |text: &str| text.contains(MARK);
        self.signature.as_deref().is_some_and(marked)
            || self.query.as_deref().is_some_and(marked)
            || matches!(&self.host, DeliveryHost::Web { path, .. } if marked(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Account;

    #[test]
    fn a_sealed_url_grants_nothing_and_tells_rights_apart() {
        let account = Account::named("acme");
        let read = |raw: &str| DeliveryUrl::parse(raw, &account).unwrap();
        let base = "https://res.cloudinary.com/acme/image/upload";
        let plain = read(&format!("{base}/v1/a.jpg"));
        assert_eq!(plain.sealed(), None);
        let one = read(&format!("{base}/s--AbCdEf12--/v1/a.jpg?__cld_token__=exp=1~hmac=hush"));
        let other = read(&format!("{base}/s--AbCdEf12--/v1/a.jpg?__cld_token__=exp=1~hmac=else"));
        let (sealed, another) = (one.sealed().unwrap(), other.sealed().unwrap());
        assert!(sealed.is_sealed() && !one.is_sealed());
        let shown = sealed.canonical();
        assert!(!shown.contains("AbCdEf12") && !shown.contains("hush"), "{shown}");
        assert_ne!(sealed, another);
        assert_eq!(sealed.sealed().unwrap().asset, one.asset);
    }
}
