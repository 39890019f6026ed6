//! The certificate that phones see. It is signed by itself, so a browser warns once; what it shows can be
//! compared with what the owner's page shows. It names nobody and no address: whoever connects may read it.

use super::super::limits::{PHONE_CERTIFICATE_DAYS, PHONE_CERTIFICATE_DAYS_LOW};
use super::super::problem::Problem;
use crate::home::KeptCertificate;
use data_encoding::{BASE64, HEXUPPER};
use jiff::tz::TimeZone;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use zeroize::Zeroizing;

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// A name that is nobody's and never will be (RFC 6761): some browsers take no certificate without one.
const NAME: &str = "souk.invalid";
const COMMON_NAME: &str = "Souk";
/// Bytes of a fingerprint that stand in one line.
const LINE_BYTES: usize = 8;

fn fault(error: impl std::fmt::Display) -> Problem {
    Problem::Fault(format!("the certificate for phones cannot be used: {error}"))
}

/// Whether a certificate is too near its end to begin with.
pub(super) fn is_old(certificate: &KeptCertificate, now: u64) -> bool {
    now.saturating_add(u64::from(PHONE_CERTIFICATE_DAYS_LOW) * DAY_MS) >= certificate.ends
}

/// A new one, with a key of its own.
pub(super) fn made(now: u64) -> Result<KeptCertificate, Problem> {
    let day = |ms: u64| {
        let ms = i64::try_from(ms).map_err(fault)?;
        let date = jiff::Timestamp::from_millisecond(ms).map_err(fault)?;
        let date = date.to_zoned(TimeZone::UTC).date();
        let (month, day) = (u8::try_from(date.month()), u8::try_from(date.day()));
        let (month, day) = (month.map_err(fault)?, day.map_err(fault)?);
        Ok::<_, Problem>(rcgen::date_time_ymd(date.year().into(), month, day))
    };
    // From yesterday on: the phone's clock may be behind.
    let begins = now.saturating_sub(DAY_MS);
    let ends = begins.saturating_add(u64::from(PHONE_CERTIFICATE_DAYS) * DAY_MS);
    let mut wanted = CertificateParams::new([NAME.to_owned()]).map_err(fault)?;
    (wanted.not_before, wanted.not_after) = (day(begins)?, day(ends)?);
    wanted.distinguished_name = DistinguishedName::new();
    wanted.distinguished_name.push(DnType::CommonName, COMMON_NAME);
    wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(fault)?;
    let signed = wanted.self_signed(&key).map_err(fault)?;
    let secret = Zeroizing::new(key.serialize_der());
    Ok(KeptCertificate {
        der: BASE64.encode(signed.der()),
        key: Zeroizing::new(BASE64.encode(&secret)),
        // The day of the end begins at midnight.
        ends: ends - ends % DAY_MS,
    })
}

/// Its bytes.
pub(super) fn der(certificate: &KeptCertificate) -> Result<Vec<u8>, Problem> {
    BASE64.decode(certificate.der.as_bytes()).map_err(fault)
}

/// SHA-256 over the certificate as browsers show it: bytes in hexadecimal, in lines that an eye can hold.
pub(in super::super) fn fingerprint(der: &[u8]) -> Vec<String> {
    let lines = Sha256::digest(der);
    let lines = lines.chunks(LINE_BYTES);
    lines
        .map(|line| {
            let bytes: Vec<String> = line.iter().map(|byte| HEXUPPER.encode(&[*byte])).collect();
            bytes.join(":")
        })
        .collect()
}

/// What TLS is spoken with: version 1.3 with ring, as between nodes.
pub(in super::super) fn config(certificate: &KeptCertificate) -> Result<Arc<ServerConfig>, Problem> {
    let key = BASE64.decode(certificate.key.as_bytes()).map_err(fault)?;
    let chain = vec![CertificateDer::from(der(certificate)?)];
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(fault)?
        .with_no_client_auth()
        .with_single_cert(chain, PrivatePkcs8KeyDer::from(key).into())
        .map_err(fault)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    #[test]
    fn a_certificate_can_be_spoken_with_and_gets_old() {
        let made = made(NOW).unwrap();
        config(&made).unwrap();
        assert!(!is_old(&made, NOW));
        assert!(made.ends > NOW + 790 * DAY_MS && made.ends < NOW + 825 * DAY_MS);
        assert!(is_old(
            &made,
            made.ends - u64::from(PHONE_CERTIFICATE_DAYS_LOW) * DAY_MS
        ));
        assert_ne!(super::made(NOW).unwrap().key, made.key);
    }

    #[test]
    fn a_fingerprint_is_the_one_that_browsers_show() {
        let lines = fingerprint(b"abc");
        assert_eq!(
            lines,
            [
                "BA:78:16:BF:8F:01:CF:EA",
                "41:41:40:DE:5D:AE:22:23",
                "B0:03:61:A3:96:17:7A:9C",
                "B4:10:FF:61:F2:00:15:AD"
            ]
        );
    }

    #[test]
    fn damage_is_told_and_no_panic() {
        let mut made = made(NOW).unwrap();
        made.key = Zeroizing::new("AAAA".into());
        assert!(matches!(config(&made), Err(Problem::Fault(_))));
        made.der = "?".into();
        assert!(matches!(config(&made), Err(Problem::Fault(_))));
    }
}
