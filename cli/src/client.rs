//! The way to a running node: its HTTP API on loopback, found by the two files that it keeps in its
//! directory (`api.port` and `api.token`). Described in `spec/api.md`.

use crate::failure::Failure;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use souk_protocol::api::{Command, Reply};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one call may take: the longest wait that the API allows, and some time to answer.
const CALL_MAX: Duration = Duration::from_secs(90);
/// Longest answer that is read, in bytes: an exported shop of the largest size fits.
const ANSWER_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Items asked for at once; the API's own limit.
const PAGE: &str = "200";

/// A node that runs on a directory here.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    token: String,
    home: PathBuf,
}

/// What an import says while it runs and at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportProgress {
    /// Listings written so far.
    pub(crate) listings: u64,
    /// Listings in the file.
    pub(crate) of: u64,
}

impl Client {
    /// The node that runs on a directory.
    pub(crate) fn of(home: &Path) -> Result<Self, Failure> {
        let read = |name: &str| {
            let path = home.join(name);
            std::fs::read_to_string(&path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Failure::no_node(home),
                _ => Failure::file(&path, &error),
            })
        };
        let port = read("api.port")?;
        let port: u16 = port.trim().parse().map_err(|_| Failure::no_node(home))?;
        Ok(Self {
            agent: agent(),
            base: format!("http://127.0.0.1:{port}"),
            token: read("api.token")?.trim().to_owned(),
            home: home.to_owned(),
        })
    }

    /// Reads something.
    pub(crate) fn read(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        let request = self
            .agent
            .get(format!("{}/api/v1{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token))
            .query_pairs(query.iter().copied());
        self.answer(path, request.call())
    }

    /// Reads something of a known shape.
    pub(crate) fn read_as<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        shaped(path, self.read(path, query)?)
    }

    /// Reads something that may not be there.
    pub(crate) fn find(&self, path: &str) -> Result<Option<Value>, Failure> {
        match self.read(path, &[]) {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.code == "not_found" => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All items of a list, page by page, until `keep_on` has seen enough.
    pub(crate) fn each(
        &self,
        path: &str,
        mut keep_on: impl FnMut(Value) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let mut after: Option<String> = None;
        loop {
            let mut query = vec![("limit", PAGE)];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let mut page = self.read(path, &query)?;
            let items = match page.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => items,
                _ => return Err(unexpected(path, "there are no items in it")),
            };
            for item in items {
                if !keep_on(item)? {
                    return Ok(());
                }
            }
            after = match page.get("next") {
                None | Some(Value::Null) => return Ok(()),
                Some(Value::String(next)) => Some(next.clone()),
                Some(next) => Some(next.to_string()),
            };
        }
    }

    /// All items of a list, in a known shape.
    pub(crate) fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Failure> {
        let mut items = Vec::new();
        self.each(path, |item| {
            items.push(shaped(path, item)?);
            Ok(true)
        })?;
        Ok(items)
    }

    /// Has a command carried out: the answer as it came, and as what it is.
    pub(crate) fn command(&self, command: &Command) -> Result<(Value, Reply), Failure> {
        let path = "/commands";
        let body = serde_json::to_value(command)
            .map_err(|error| Failure::fault(format!("the command cannot be written down: {error}")))?;
        let value = self.post(path, &body)?;
        Ok((value.clone(), shaped(path, value)?))
    }

    /// Posts an object.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.posting(path, &[]).content_type("application/json");
        self.answer(path, request.send(body.to_string()))
    }

    /// Sends a product file to be imported; `seen` hears how far it is.
    pub(crate) fn import(
        &self,
        file: &[u8],
        drafts: bool,
        mut seen: impl FnMut(ImportProgress),
    ) -> Result<Value, Failure> {
        let path = "/shop/import";
        let drafts = if drafts { "true" } else { "false" };
        let request = self
            .posting(path, &[("drafts", drafts)])
            .content_type("text/csv")
            .config()
            .timeout_global(None)
            .build();
        let response = request.send(file).map_err(|error| self.lost(&error))?;
        if !response.status().is_success() {
            return self.answer(path, Ok(response));
        }
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let line = line.map_err(|error| self.broken(&error))?;
            if line.trim().is_empty() {
                continue;
            }
            let said: Value = parsed(path, line.as_bytes())?;
            if let Some(error) = said.get("error") {
                return Err(told(error));
            }
            if let Some(done) = said.get("done") {
                return Ok(done.clone());
            }
            let number = |name: &str| said["progress"][name].as_u64().unwrap_or(0);
            seen(ImportProgress {
                listings: number("listings"),
                of: number("of"),
            });
        }
        Err(unexpected(path, "it ended before the import was done"))
    }

    /// The shop as a product file.
    pub(crate) fn export(&self) -> Result<Vec<u8>, Failure> {
        let path = "/shop/export";
        let request = self
            .agent
            .get(format!("{}/api/v1{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token));
        let response = request.call().map_err(|error| self.lost(&error))?;
        if !response.status().is_success() {
            self.answer(path, Ok(response))?;
            return Err(unexpected(path, "it is neither a file nor an error"));
        }
        self.bytes(response)
    }

    /// Everything that the node remembers, as a backup holds it, and about how many items that are.
    pub(crate) fn backup(&self) -> Result<(impl Read + use<>, u64), Failure> {
        let path = "/backup";
        let request = self
            .agent
            .get(format!("{}/api/v1{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token))
            .config()
            .timeout_global(None)
            .build();
        let response = request.call().map_err(|error| self.lost(&error))?;
        if !response.status().is_success() {
            self.answer(path, Ok(response))?;
            return Err(unexpected(path, "it is neither a backup nor an error"));
        }
        let items = response.headers().get("souk-items");
        let items = items
            .and_then(|items| items.to_str().ok()?.parse().ok())
            .unwrap_or(0);
        Ok((response.into_body().into_reader(), items))
    }

    /// Whether anybody still answers there.
    pub(crate) fn answers(&self) -> bool {
        self.agent.get(format!("{}/healthz", self.base)).call().is_ok()
    }

    fn posting(&self, path: &str, query: &[(&str, &str)]) -> ureq::RequestBuilder<ureq::typestate::WithBody> {
        self.agent
            .post(format!("{}/api/v1{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token))
            .query_pairs(query.iter().copied())
    }

    fn answer(
        &self,
        path: &str,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, Failure> {
        let response = response.map_err(|error| self.lost(&error))?;
        let (status, good) = (response.status().as_u16(), response.status().is_success());
        let bytes = self.bytes(response)?;
        if good {
            return if bytes.is_empty() {
                Ok(json!({}))
            } else {
                parsed(path, &bytes)
            };
        }
        if status == 401 {
            // The port is another program's now, or another node's: ours is not there.
            return Err(Failure::no_node(&self.home));
        }
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(body) if body["error"]["message"].is_string() => Err(told(&body["error"])),
            _ => Err(unexpected(path, &format!("status {status} without a reason"))),
        }
    }

    fn bytes(&self, response: ureq::http::Response<ureq::Body>) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let reader = response.into_body().into_reader();
        reader
            .take(ANSWER_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(|error| self.broken(&error))?;
        Ok(bytes)
    }

    fn lost(&self, error: &ureq::Error) -> Failure {
        match error {
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                Failure::no_node(&self.home)
            }
            ureq::Error::ConnectionFailed => Failure::no_node(&self.home),
            _ => self.broken(error),
        }
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> Failure {
        Failure::fault(format!("the node at {} broke off: {error}", self.base))
    }
}

/// Loopback only, so no proxy that the environment may name; a refusal is an answer like others.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(CALL_MAX))
        .build()
        .into()
}

fn parsed(path: &str, bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|error| unexpected(path, &error.to_string()))
}

/// A JSON value as what it should be.
pub(crate) fn shaped<T: DeserializeOwned>(path: &str, value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| unexpected(path, &error.to_string()))
}

fn unexpected(path: &str, why: &str) -> Failure {
    Failure::fault(format!(
        "the node's answer to {path} is not of the form agreed: {why}"
    ))
}

fn told(error: &Value) -> Failure {
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    Failure::refused(&text("code"), text("message"), text("next"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;
    use std::io::Write;
    use std::net::TcpListener;

    /// A home whose API is one canned answer; gives back what was asked.
    fn answering(answer: &'static str) -> (tempfile::TempDir, std::thread::JoinHandle<String>) {
        let home = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::fs::write(home.path().join("api.port"), format!("{port}\n")).unwrap();
        std::fs::write(home.path().join("api.token"), "secret\n").unwrap();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                asked.push_str(&line);
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            asked.push_str(&String::from_utf8(body).unwrap());
            stream.write_all(answer.as_bytes()).unwrap();
            asked
        });
        (home, served)
    }

    #[test]
    fn a_directory_without_a_node_is_named_with_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let failure = Client::of(home.path()).unwrap_err();
        assert_eq!(failure.exit, Exit::NoNode);
        assert!(failure.next.contains("souk up"));
    }

    #[test]
    fn a_node_that_is_gone_is_no_node() {
        let home = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        std::fs::write(home.path().join("api.port"), port.to_string()).unwrap();
        std::fs::write(home.path().join("api.token"), "secret").unwrap();
        let failure = Client::of(home.path()).unwrap().read("/status", &[]).unwrap_err();
        assert_eq!(failure.exit, Exit::NoNode, "{failure:?}");
    }

    #[test]
    fn a_command_carries_the_token_and_its_name() {
        let (home, served) = answering("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"done\":\"done\"}");
        let command = Command::SetProfile {
            name: "alice".into(),
            about: String::new(),
        };
        let (_, reply) = Client::of(home.path()).unwrap().command(&command).unwrap();
        assert_eq!(reply, Reply::Done);
        let asked = served.join().unwrap();
        assert!(asked.starts_with("POST /api/v1/commands HTTP/1.1"), "{asked}");
        assert!(
            asked
                .to_ascii_lowercase()
                .contains("authorization: bearer secret"),
            "{asked}"
        );
        assert!(asked.contains(r#""do":"set_profile""#), "{asked}");
    }

    #[test]
    fn a_refusal_keeps_the_node_s_words() {
        let (home, _served) = answering(
            "HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n\
             {\"error\":{\"code\":\"no_stock\",\"message\":\"2 are left\",\"next\":\"ask less\"}}",
        );
        let failure = Client::of(home.path())
            .unwrap()
            .post("/commands", &json!({}))
            .unwrap_err();
        assert_eq!(failure, Failure::refused("no_stock", "2 are left", "ask less"));
    }

    #[test]
    fn another_program_on_the_port_is_no_node_of_this_directory() {
        let (home, _served) = answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        let failure = Client::of(home.path()).unwrap().read("/status", &[]).unwrap_err();
        assert_eq!(failure.exit, Exit::NoNode);
    }

    #[test]
    fn an_import_tells_how_far_it_is_and_ends_with_its_counts() {
        let (home, served) = answering(
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\
             {\"progress\":{\"listings\":1,\"of\":2}}\n{\"done\":{\"new\":2}}\n",
        );
        let mut seen = Vec::new();
        let done = Client::of(home.path())
            .unwrap()
            .import(b"Handle\n", true, |step| seen.push(step))
            .unwrap();
        assert_eq!(done, json!({"new": 2}));
        assert_eq!(seen, [ImportProgress { listings: 1, of: 2 }]);
        assert!(
            served
                .join()
                .unwrap()
                .starts_with("POST /api/v1/shop/import?drafts=true")
        );
    }

    #[test]
    fn a_broken_product_file_is_refused_in_the_node_s_words() {
        let (home, _served) = answering(
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\
             {\"error\":{\"code\":\"invalid\",\"message\":\"line 3 has no price\",\"next\":\"fix it\"}}\n",
        );
        let failure = Client::of(home.path())
            .unwrap()
            .import(b"x", false, |_| ())
            .unwrap_err();
        assert_eq!(
            failure,
            Failure::refused("invalid", "line 3 has no price", "fix it")
        );
    }
}
