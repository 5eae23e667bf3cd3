//! TLS from certificate files.

use std::{net::IpAddr, path::Path, sync::Arc};

use anyhow::{Context, bail};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

/// Reads certificate chain and key (PEM).
pub fn acceptor(cert: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let certs = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate {}", cert.display()))?;
    let key_der = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read the private key {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certs, key_der)
        .context("the certificate and the private key cannot be used together")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The rule: beyond loopback only with TLS.
pub fn check_exposure(ip: IpAddr, has_tls: bool) -> anyhow::Result<()> {
    if ip.is_loopback() || has_tls {
        return Ok(());
    }
    bail!(
        "a node beyond loopback needs TLS: {ip} is not a loopback address; \
         give --tls-cert and --tls-key, or listen on 127.0.0.1"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_loopback_only_with_tls() {
        for (ip, tls, good) in [
            ("127.0.0.1", false, true),
            ("127.9.9.9", false, true),
            ("::1", false, true),
            ("0.0.0.0", false, false),
            ("192.168.1.5", false, false),
            ("::", false, false),
            ("0.0.0.0", true, true),
        ] {
            let ip: IpAddr = ip.parse().expect("an address");
            assert_eq!(check_exposure(ip, tls).is_ok(), good, "{ip} {tls}");
        }
    }
}
