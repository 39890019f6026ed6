//! HTTP/1.1 by hand, so that a test can say what a browser or a careful client never would.

use serde_json::Value;
use souk_node::home::Home;
use souk_node::http::{Api, serve};
use souk_node::network;
use souk_node::node::Node;
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long one exchange may take before the test fails.
pub(crate) const EXCHANGE: Duration = Duration::from_secs(30);

/// A node and its API.
pub(crate) struct Running {
    pub(crate) node: Node,
    pub(crate) home: Home,
    pub(crate) api: Api,
    pub(crate) token: String,
    pub(crate) dir: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub(crate) fn code(&self) -> String {
        let error = &self.json()["error"];
        assert!(
            error["message"].is_string() && error["next"].is_string(),
            "{error}"
        );
        error["code"].as_str().unwrap().to_owned()
    }
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Running {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (home, _) = Home::open_or_create(&dir.path().join("node"), None).unwrap();
        let node = Node::start(&home, network::Config::loopback()).unwrap();
        let api = serve(node.clone(), &home, None).await.unwrap();
        let token = home.token().unwrap().reveal().to_owned();
        Self {
            node,
            home,
            api,
            token,
            dir,
        }
    }

    pub(crate) fn host(&self) -> String {
        self.api.address().to_string()
    }

    /// Sends these header lines and body as they are.
    pub(crate) async fn raw(&self, request: &str, headers: &[String], body: &[u8]) -> Answer {
        raw_at(self.api.address(), request, headers, body).await
    }

    pub(crate) fn usual(&self) -> Vec<String> {
        vec![
            format!("Host: {}", self.host()),
            format!("Authorization: Bearer {}", self.token),
        ]
    }

    pub(crate) async fn asks(&self, request: &str, body: &[u8]) -> Answer {
        self.raw(request, &self.usual(), body).await
    }
    /// A screen, as the owner sees it.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        self.asks(&format!("GET {path}"), b"").await
    }
    /// The seal that the forms of a screen hold.
    pub(crate) async fn csrf(&self, path: &str) -> String {
        let screen = self.page(path).await;
        assert_eq!(screen.status, 200, "{path}: {}", screen.text());
        value_after(&screen.text(), "name=\"csrf\" value=\"").to_owned()
    }
    /// Sends a form.
    pub(crate) async fn fills(&self, to: &str, fields: &[(&str, &str)]) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let kind = "Content-Type: application/x-www-form-urlencoded".to_owned();
        let headers = [self.usual(), vec![kind]].concat();
        self.raw(&format!("POST {to}"), &headers, form.as_bytes()).await
    }

    pub(crate) async fn gets(&self, path: &str) -> Value {
        let answer = self.asks(&format!("GET /api/v1{path}"), b"").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn posts(&self, path: &str, body: Value) -> Answer {
        self.asks(&format!("POST /api/v1{path}"), body.to_string().as_bytes())
            .await
    }

    pub(crate) async fn does(&self, command: Value) -> Value {
        let answer = self.posts("/commands", command.clone()).await;
        assert_eq!(answer.status, 200, "{command}: {}", answer.text());
        answer.json()
    }
}

/// Sends these header lines and body as they are to an address.
pub(crate) async fn raw_at(address: SocketAddr, request: &str, headers: &[String], body: &[u8]) -> Answer {
    let mut bytes = format!("{request} HTTP/1.1\r\nConnection: close\r\n");
    for header in headers {
        bytes.push_str(&format!("{header}\r\n"));
    }
    if !headers
        .iter()
        .any(|header| header.to_lowercase().starts_with("content-length"))
    {
        bytes.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut bytes = format!("{bytes}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        // A server may answer, and close, before it has read a body that is too large.
        let (_, _) = tokio::join!(write.write_all(&bytes), read.read_to_end(&mut answer));
        answer
    };
    parsed(
        &tokio::time::timeout(EXCHANGE, exchange)
            .await
            .expect("an answer in time"),
    )
}

/// The value of an attribute that follows a text.
pub(crate) fn value_after<'a>(html: &'a str, text: &str) -> &'a str {
    let rest = html
        .split_once(text)
        .unwrap_or_else(|| panic!("no {text} in {html}"))
        .1;
    rest.split('"').next().unwrap()
}

pub(crate) fn parsed(bytes: &[u8]) -> Answer {
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a head");
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = &bytes[end + 4..];
    let body = if chunked { unchunked(body) } else { body.to_vec() };
    Answer {
        status,
        headers,
        body,
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        let rest = &bytes[end + 2..];
        if length == 0 {
            break;
        }
        body.extend_from_slice(&rest[..length]);
        bytes = &rest[length + 2..];
    }
    body
}

/// Holds a value against a schema of the API's description, as far as the description goes.
pub(crate) fn conforms(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return conforms(document, &document["components"]["schemas"][name], value, place);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let null = choices.iter().any(|choice| choice["type"] == "null");
        if null && value.is_null() {
            return;
        }
        let other = choices.iter().find(|choice| choice["type"] != "null").unwrap();
        return conforms(document, other, value, place);
    }
    match schema["type"].as_str() {
        Some("string") => {
            let text = value
                .as_str()
                .unwrap_or_else(|| panic!("{place}: expected a text, got {value}"));
            if let Some(texts) = schema["enum"].as_array() {
                assert!(
                    texts.iter().any(|known| known == text),
                    "{place}: '{text}' is none of {texts:?}"
                );
            }
        }
        Some("integer") => assert!(
            value.is_i64() || value.is_u64(),
            "{place}: expected a whole number, got {value}"
        ),
        Some("number") => assert!(value.is_number(), "{place}: expected a number, got {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{place}: expected yes or no, got {value}"),
        Some("array") => {
            let items = value
                .as_array()
                .unwrap_or_else(|| panic!("{place}: expected a list, got {value}"));
            for (number, item) in items.iter().enumerate() {
                conforms(document, &schema["items"], item, &format!("{place}[{number}]"));
            }
        }
        Some("object") => {
            let object = value
                .as_object()
                .unwrap_or_else(|| panic!("{place}: expected an object, got {value}"));
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(
                    object.contains_key(name.as_str().unwrap()),
                    "{place} lacks {name}"
                );
            }
            for (name, item) in object {
                let known = schema["properties"]
                    .get(name)
                    .or_else(|| schema.get("additionalProperties"));
                let known = known.unwrap_or_else(|| panic!("{place}.{name} is not described"));
                conforms(document, known, item, &format!("{place}.{name}"));
            }
        }
        _ => {}
    }
}
