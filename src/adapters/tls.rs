//! Whom we trust: the platform's roots, or those of Mozilla where the host has none of its own.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// TLS settings of every connection, without ALPN; read from the platform once per process.
pub(crate) fn client_config() -> ClientConfig {
    static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
    CONFIG.get_or_init(load).clone()
}

/// Settings that trust nobody, for clients that speak plain HTTP only: they need not wait for the roots.
pub(crate) fn plain_only() -> ClientConfig {
    builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

fn load() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match rustls_platform_verifier::Verifier::new(provider) {
        Ok(verifier) => builder()
            .dangerous() // the name of the only way to bring a verifier; this one is the platform's
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth(),
        Err(why) => {
            tracing::warn!(%why, "this host has no root certificates; using Mozilla's");
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(
                webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned(),
            );
            builder().with_root_certificates(roots).with_no_client_auth()
        }
    }
}

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default protocol versions")
}
