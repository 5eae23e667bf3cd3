//! TLS to nodes: no certificate authority, but the one certificate whose fingerprint was given when
//! the node was added.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest as _, Sha256};

use super::NodeCallError;

/// A client that trusts exactly that certificate; None trusts none (for nodes without TLS).
pub fn client_config(fingerprint: Option<&str>) -> Result<ClientConfig, NodeCallError> {
    let provider = Arc::new(ring::default_provider());
    let pinned = fingerprint.map(fingerprint_parse).transpose()?;
    let verifier = Arc::new(Pinned {
        pinned,
        provider: provider.clone(),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| NodeCallError::Unusable(format!("TLS cannot be used: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// 64 hex digits, in either case, with or without colons, as `openssl x509 -fingerprint` prints.
pub fn fingerprint_parse(text: &str) -> Result<[u8; 32], NodeCallError> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != ':' && !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()
        .ok_or_else(fingerprint_wrong)?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    match (digits.len(), bytes.try_into()) {
        (64, Ok(fingerprint)) => Ok(fingerprint),
        _ => Err(fingerprint_wrong()),
    }
}

fn fingerprint_wrong() -> NodeCallError {
    NodeCallError::Unusable("a fingerprint is the certificate's SHA-256, 64 hex digits".into())
}

#[derive(Debug)]
struct Pinned {
    pinned: Option<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown: [u8; 32] = Sha256::digest(end_entity.as_ref()).into();
        if self.pinned == Some(shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let shown: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
        Err(Error::General(format!(
            "its certificate is another one than was given (fingerprint {shown})"
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_taken_as_openssl_prints_it() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(fingerprint_parse(&plain).unwrap(), [0xab; 32]);
        assert_eq!(fingerprint_parse(&colons).unwrap(), [0xab; 32]);
        for wrong in [
            "",
            "ab",
            &"ab".repeat(31),
            &"zz".repeat(32),
            &"ab".repeat(33),
        ] {
            assert!(fingerprint_parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_pinned_certificate_is_taken() {
        let certificate = CertificateDer::from(b"certificate".to_vec());
        let fingerprint: [u8; 32] = Sha256::digest(b"certificate").into();
        let name = ServerName::try_from("node").unwrap();
        let verify = |pinned| {
            let provider = Arc::new(ring::default_provider());
            let now = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
            Pinned { pinned, provider }.verify_server_cert(&certificate, &[], &name, &[], now)
        };
        assert!(verify(Some(fingerprint)).is_ok());
        assert!(verify(Some([0; 32])).is_err());
        assert!(verify(None).is_err());
    }
}
