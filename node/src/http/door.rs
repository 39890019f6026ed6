//! Who may come in: exactly this node's address, no other origin, and the token or the page's cookie.
//!
//! A page that somebody lures the owner to can make a browser ask 127.0.0.1, under another name too
//! (DNS rebinding); so `Host` and `Origin` are compared with the two ways to write this address, before
//! anything else is looked at. Other programs of the same user can read the token's file; other users
//! cannot. Described in `spec/api.md` and `spec/threats.md`.

use super::limits::{LOGIN_CODE_MS, LOGIN_CODES_MAX};
use super::phones::AtPhone;
use super::problem::Problem;
use crate::home::{HomeError, Token, random};
use axum::http::{HeaderMap, Method, Uri, header};
use data_encoding::BASE64URL_NOPAD;
use souk_protocol::id::DeviceId;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const COOKIE_CONTEXT: &str = "souk 2026 page cookie v1";
const CSRF_CONTEXT: &str = "souk 2026 page csrf v1";
/// How long a browser keeps what its reader chose, in seconds.
const CHOICE_SECONDS: u32 = 400 * 24 * 3_600;
const COOKIE_PREFIX: &str = "souk-";
const DEVICE_PREFIX: &str = "device-";
const COOKIE_NAME_CHARS: usize = 16;
const CODE_BYTES: usize = 32;
/// Characters of a wrong header that an error repeats.
const REPEATED_CHARS: usize = 80;

/// Whether a request comes from the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// It has the token, or the page's cookie.
    Owner,
    /// It came by the listener for phones and has the cookie of one: the owner's, and not all is done there.
    Phone(Arc<AtPhone>),
    /// It has none of these.
    Nobody,
}

/// What a request is checked against.
pub(super) struct Door {
    hosts: [String; 2],
    origins: [String; 2],
    /// Secrets are kept and compared as hashes: blake3's comparison takes the same time wherever two differ.
    token: blake3::Hash,
    cookie_name: String,
    cookie: String,
    csrf: String,
    codes: Mutex<VecDeque<(blake3::Hash, Instant)>>,
}

fn hash(secret: &str) -> blake3::Hash {
    blake3::hash(secret.as_bytes())
}

/// As much of a wrong header as an error repeats.
pub(super) fn shortened(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .take(REPEATED_CHARS)
        .collect()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

impl Door {
    /// The door of this device's node at a port.
    pub(super) fn new(port: u16, device: &DeviceId, token: &Token) -> Self {
        let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        let device = device.to_string();
        let device = device.strip_prefix(DEVICE_PREFIX).unwrap_or(&device);
        let cookie = blake3::derive_key(COOKIE_CONTEXT, token.reveal().as_bytes());
        let csrf = blake3::derive_key(CSRF_CONTEXT, token.reveal().as_bytes());
        Self {
            origins: hosts.clone().map(|host| format!("http://{host}")),
            hosts,
            token: hash(token.reveal()),
            cookie_name: format!(
                "{COOKIE_PREFIX}{}",
                device.chars().take(COOKIE_NAME_CHARS).collect::<String>()
            ),
            cookie: BASE64URL_NOPAD.encode(&cookie),
            csrf: BASE64URL_NOPAD.encode(&csrf),
            codes: Mutex::default(),
        }
    }

    /// Checks where a request is meant to go and where it comes from.
    pub(super) fn check_address(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers.get_all(header::HOST).iter().map(|host| host.as_bytes());
        let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
        let named = hosts.next().unwrap_or_default();
        let known = |host: &[u8]| self.hosts.iter().any(|own| own.as_bytes() == host);
        if !known(named) || hosts.next().is_some() || !authority.is_none_or(known) {
            return Err(Problem::Host(shortened(named)));
        }
        for origin in headers.get_all(header::ORIGIN) {
            if !self.origins.iter().any(|own| own.as_bytes() == origin.as_bytes()) {
                return Err(Problem::Origin(shortened(origin.as_bytes())));
            }
        }
        Ok(())
    }

    /// Who a request comes from. With the cookie alone, a change needs an `Origin`: browsers send one, and
    /// it was compared already.
    pub(super) fn caller(&self, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
        if self.has_token(headers) {
            return Ok(Caller::Owner);
        }
        if !self.has_cookie(headers) {
            return Ok(Caller::Nobody);
        }
        match method.is_safe() || headers.contains_key(header::ORIGIN) {
            true => Ok(Caller::Owner),
            false => Err(Problem::Origin(String::new())),
        }
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let shown = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.strip_prefix("Bearer "));
        shown.is_some_and(|token| hash(token) == self.token)
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let expected = hash(&self.cookie);
        cookies(headers).any(|(name, value)| name == self.cookie_name && hash(value) == expected)
    }

    /// What a browser keeps for its reader under a name: no secret, and none of another node on this machine.
    pub(super) fn cookie(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        let full = self.full_name(name);
        let found = cookies(headers).find(|(known, _)| *known == full);
        found.map(|(_, value)| value.to_owned())
    }

    /// The header that has a browser keep something for its reader.
    pub(super) fn keep_cookie(&self, name: &str, value: &str) -> String {
        format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={CHOICE_SECONDS}",
            self.full_name(name)
        )
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}-{name}", self.cookie_name)
    }

    /// What every form of a caller's pages holds, so that no other page can send one.
    pub(super) fn csrf<'a>(&'a self, caller: &'a Caller) -> &'a str {
        match caller {
            Caller::Phone(phone) => &phone.csrf,
            Caller::Owner | Caller::Nobody => &self.csrf,
        }
    }
    /// Whether a form of theirs holds it.
    pub(super) fn is_csrf(&self, caller: &Caller, shown: &str) -> bool {
        hash(shown) == hash(self.csrf(caller))
    }

    /// The name of the owner's cookie.
    pub(super) fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    /// The header that gives a browser the page's cookie.
    pub(super) fn set_cookie(&self) -> String {
        format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict",
            self.cookie_name, self.cookie
        )
    }

    /// A new one-time code. When too many wait, the oldest is forgotten.
    pub(super) fn code(&self) -> Result<String, HomeError> {
        let code = BASE64URL_NOPAD.encode(random::<CODE_BYTES>()?.as_slice());
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() >= LOGIN_CODES_MAX {
            codes.pop_front();
        }
        codes.push_back((hash(&code), Instant::now()));
        Ok(code)
    }

    /// Uses a code up; says whether it was good at this time.
    pub(super) fn redeem(&self, code: &str, now: Instant) -> bool {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let life = Duration::from_millis(LOGIN_CODE_MS);
        codes.retain(|(_, made)| now.saturating_duration_since(*made) < life);
        let code = hash(code);
        let place = codes.iter().position(|(known, _)| *known == code);
        place.is_some_and(|place| codes.remove(place).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn alice() -> (tempfile::TempDir, Door, String) {
        let dir = tempfile::tempdir().unwrap();
        let (home, _) = crate::home::Home::open_or_create(&dir.path().join("alice"), None).unwrap();
        let token = home.token().unwrap();
        let door = Door::new(4_000, &home.device(), &token);
        (dir, door, token.reveal().to_owned())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: axum::http::HeaderName = name;
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn only_the_two_names_of_the_node_are_answered() {
        let (_dir, door, _) = alice();
        let at = |pairs: &[(&'static str, &str)]| door.check_address(&Uri::from_static("/"), &headers(pairs));
        assert!(at(&[("host", "127.0.0.1:4000")]).is_ok() && at(&[("host", "localhost:4000")]).is_ok());
        for bad in [
            "",
            "127.0.0.1",
            "127.0.0.1:4001",
            "localhost:4000.eve.example",
            "eve.example:4000",
            "[::1]:4000",
        ] {
            assert!(matches!(at(&[("host", bad)]), Err(Problem::Host(_))), "{bad}");
        }
        assert!(matches!(at(&[]), Err(Problem::Host(_))));
        assert!(matches!(
            at(&[("host", "127.0.0.1:4000"), ("host", "eve.example")]),
            Err(Problem::Host(_))
        ));
        let absolute = door.check_address(
            &Uri::from_static("http://eve.example/"),
            &headers(&[("host", "127.0.0.1:4000")]),
        );
        assert!(matches!(absolute, Err(Problem::Host(_))));
    }

    #[test]
    fn no_other_origin_gets_in() {
        let (_dir, door, _) = alice();
        let from = |origin: &str| {
            door.check_address(
                &Uri::from_static("/"),
                &headers(&[("host", "localhost:4000"), ("origin", origin)]),
            )
        };
        assert!(from("http://127.0.0.1:4000").is_ok() && from("http://localhost:4000").is_ok());
        for bad in [
            "null",
            "",
            "https://localhost:4000",
            "http://localhost",
            "http://127.0.0.1:4001",
            "http://eve.example",
        ] {
            assert!(matches!(from(bad), Err(Problem::Origin(_))), "{bad}");
        }
    }

    #[test]
    fn the_owner_is_known_by_token_or_cookie() {
        let (_dir, door, token) = alice();
        let bearer = format!("Bearer {token}");
        let (cookie, _) = door
            .set_cookie()
            .split_once(';')
            .map(|(pair, rest)| (format!("other=1; {pair}"), rest.to_owned()))
            .unwrap();
        let caller = |method: Method, pairs: &[(&'static str, &str)]| door.caller(&method, &headers(pairs));
        assert_eq!(
            caller(Method::POST, &[("authorization", &bearer)]),
            Ok(Caller::Owner)
        );
        assert_eq!(caller(Method::GET, &[("cookie", &cookie)]), Ok(Caller::Owner));
        assert_eq!(
            caller(
                Method::POST,
                &[("cookie", &cookie), ("origin", "http://localhost:4000")]
            ),
            Ok(Caller::Owner)
        );
        assert!(matches!(
            caller(Method::POST, &[("cookie", &cookie)]),
            Err(Problem::Origin(_))
        ));
        for bad in [
            &bearer[..bearer.len() - 1],
            &token,
            "Bearer ",
            "bearer",
            &format!("{bearer}a"),
        ] {
            assert_eq!(
                caller(Method::GET, &[("authorization", bad)]),
                Ok(Caller::Nobody),
                "{bad}"
            );
        }
        assert_eq!(caller(Method::GET, &[("cookie", "souk-x=1")]), Ok(Caller::Nobody));
        assert_eq!(
            caller(Method::GET, &[("cookie", &cookie.replace('=', "=x"))]),
            Ok(Caller::Nobody)
        );
    }

    #[test]
    fn a_code_works_once_and_not_for_long() {
        let (_dir, door, _) = alice();
        let now = Instant::now();
        let code = door.code().unwrap();
        assert!(!door.redeem("", now) && !door.redeem("other", now));
        assert!(door.redeem(&code, now));
        assert!(!door.redeem(&code, now));
        let late = door.code().unwrap();
        assert!(!door.redeem(&late, Instant::now() + Duration::from_millis(LOGIN_CODE_MS)));
        let first = door.code().unwrap();
        for _ in 0..LOGIN_CODES_MAX {
            door.code().unwrap();
        }
        assert!(!door.redeem(&first, Instant::now()));
    }
}
