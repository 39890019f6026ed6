//! A node that lets phones in, and phones: real TLS that takes no certificate but the one whose fingerprint
//! the owner's page shows.

use super::pages::{filled, form};
use super::wire::{Answer, EXCHANGE, Running, parsed, value_after};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::Value;
use sha2::{Digest, Sha256};
use souk_node::home::Home;
use souk_node::http::{PhoneServer, serve, serve_phones};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Takes one certificate, by its fingerprint.
#[derive(Debug)]
struct Pinned {
    fingerprint: Vec<u8>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match Sha256::digest(certificate).as_slice() == self.fingerprint.as_slice() {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::Error::General("another certificate".into())),
        }
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 is spoken".into()))
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A node that lets phones in.
pub(super) struct Den {
    pub(super) alice: Running,
    pub(super) phones: PhoneServer,
}

/// What a phone was shown by the owner's page: where, with which code, and what to trust.
pub(super) struct Invited {
    pub(super) at: SocketAddr,
    pub(super) code: String,
    pub(super) fingerprint: Vec<u8>,
}

/// A phone's browser.
pub(super) struct Phone {
    pub(super) at: SocketAddr,
    pub(super) fingerprint: Vec<u8>,
    pub(super) cookie: String,
}

pub(super) async fn served(alice: Running) -> Den {
    let phones = serve_phones(&alice.api, Some("127.0.0.1:0".parse().unwrap())).await;
    Den { alice, phones }
}

impl Den {
    pub(super) async fn start() -> Self {
        let den = served(Running::start().await).await;
        assert_eq!(den.turn("on").await.status, 303);
        den
    }

    /// Sends a form of the owner's screen for devices.
    pub(super) async fn act(&self, what: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.alice.csrf("/settings/devices").await;
        let fields = [
            &[
                ("csrf", csrf.as_str()),
                ("do", what),
                ("back", "/settings/devices"),
            ],
            fields,
        ]
        .concat();
        self.alice.fills("/act", &fields).await
    }
    pub(super) async fn turn(&self, switch: &str) -> Answer {
        self.act("node.phones", &[("switch", switch)]).await
    }

    pub(super) async fn invites(&self) -> Invited {
        let csrf = self.alice.csrf("/settings/devices").await;
        let shown = self
            .alice
            .fills("/settings/devices/phone", &[("csrf", &csrf)])
            .await;
        assert_eq!(shown.status, 200, "{}", shown.text());
        let html = shown.text();
        let link = value_after(&html, "data-copy=\"https://").to_owned();
        let (at, code) = link.split_once("/pair/").unwrap();
        let print = html.split_once("class=\"fingerprint\"").unwrap().1;
        let print = print.split_once('>').unwrap().1.split_once('<').unwrap().0;
        let fingerprint = print
            .split([':', '\n', ' '])
            .filter(|byte| !byte.is_empty())
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect::<Vec<_>>();
        assert_eq!(fingerprint.len(), 32);
        Invited {
            at: at.parse().unwrap(),
            code: code.to_owned(),
            fingerprint,
        }
    }

    pub(super) async fn pairs(&self, name: &str) -> Phone {
        let invited = self.invites().await;
        let stranger = Phone::stranger(&invited);
        let answer = stranger.sends_code(&invited.code, name).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let cookie = answer.header("set-cookie").unwrap();
        let (cookie, rest) = cookie.split_once("; ").unwrap();
        assert!(cookie.starts_with("__Host-souk-"), "{cookie}");
        assert!(
            rest.starts_with("Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age="),
            "{rest}"
        );
        Phone {
            cookie: cookie.to_owned(),
            ..stranger
        }
    }

    pub(super) async fn status(&self) -> Value {
        self.alice.gets("/status").await["phones"].clone()
    }

    pub(super) async fn counted(&self, why: &str) -> u64 {
        let metrics = self.alice.asks("GET /metrics", b"").await.text();
        let line = format!("souk_phones_refused_total{{why=\"{why}\"}} ");
        let line = metrics
            .lines()
            .find_map(|known| known.strip_prefix(&line))
            .unwrap();
        line.parse().unwrap()
    }

    /// All that is served ends, and begins again from what the directory holds. (The node itself goes on: one
    /// process opens a store once. A whole program that starts again is in the browser's test.)
    pub(super) async fn starts_again(self) -> Self {
        let Self { alice, phones } = self;
        phones.stop().await;
        alice.api.stop().await;
        drop(alice.home);
        let home = Home::open(&alice.dir.path().join("node")).unwrap();
        let api = serve(alice.node.clone(), &home, None).await.unwrap();
        served(Running { home, api, ..alice }).await
    }
}

impl Phone {
    pub(super) fn stranger(invited: &Invited) -> Self {
        Self {
            at: invited.at,
            fingerprint: invited.fingerprint.clone(),
            cookie: String::new(),
        }
    }

    pub(super) async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(ring::default_provider());
        let pinned = Pinned {
            fingerprint: self.fingerprint.clone(),
            provider: provider.clone(),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned))
            .with_no_client_auth();
        let stream = TcpStream::connect(self.at).await?;
        let name = ServerName::from(self.at.ip());
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    pub(super) fn host(&self) -> String {
        format!("Host: {}", self.at)
    }
    pub(super) fn origin(&self) -> String {
        format!("Origin: https://{}", self.at)
    }
    /// What its browser says with every request.
    pub(super) fn usual(&self) -> Vec<String> {
        match self.cookie.is_empty() {
            true => vec![self.host()],
            false => vec![self.host(), format!("Cookie: theme=dark; {}", self.cookie)],
        }
    }

    /// Sends these header lines and body as they are.
    pub(super) async fn raw(&self, request: &str, headers: &[String], body: &[u8]) -> Answer {
        let exchange = async {
            let mut stream = self.connect().await.unwrap();
            let mut bytes = format!(
                "{request} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
                body.len()
            );
            for header in headers {
                bytes.push_str(&format!("{header}\r\n"));
            }
            let bytes = [format!("{bytes}\r\n").as_bytes(), body].concat();
            stream.write_all(&bytes).await.unwrap();
            let mut answer = Vec::new();
            // An end without a word is an end; what came is looked at.
            stream.read_to_end(&mut answer).await.ok();
            answer
        };
        parsed(
            &tokio::time::timeout(EXCHANGE, exchange)
                .await
                .expect("an answer in time"),
        )
    }

    pub(super) async fn asks(&self, request: &str) -> Answer {
        self.raw(request, &self.usual(), b"").await
    }
    pub(super) async fn page(&self, path: &str) -> Answer {
        self.asks(&format!("GET {path}")).await
    }
    /// The lines of the event stream behind its first one, while it is open.
    pub(super) async fn events(&self) -> Lines<BufReader<TlsStream<TcpStream>>> {
        let mut stream = self.connect().await.unwrap();
        let usual = self.usual().join("\r\n");
        let request = format!("GET /api/v1/events HTTP/1.1\r\n{usual}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "HTTP/1.1 200 OK");
        lines
    }
    pub(super) async fn fills(&self, to: &str, fields: &[(String, String)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let kind = "Content-Type: application/x-www-form-urlencoded".to_owned();
        let headers = [self.usual(), vec![self.origin(), kind]].concat();
        self.raw(&format!("POST {to}"), &headers, body.as_bytes()).await
    }
    pub(super) async fn sends_code(&self, code: &str, name: &str) -> Answer {
        self.fills(&format!("/pair/{code}"), &[("name".to_owned(), name.to_owned())])
            .await
    }
    /// Fills in a form of a screen and sends it, as a browser without scripts does.
    pub(super) async fn fill(&self, path: &str, act: &str, typed: &[(&str, &str)]) -> Answer {
        let page = self.page(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        self.fills("/act", &filled(&form(&page.text(), act), typed)).await
    }
    pub(super) async fn commands(&self, command: Value) -> Answer {
        let headers = [self.usual(), vec![self.origin()]].concat();
        self.raw("POST /api/v1/commands", &headers, command.to_string().as_bytes())
            .await
    }
}
