//! All about phones in one place: which are paired, whether they are let in, how one comes in and how one
//! goes. What was said to the owner is on disk before it is said.

use super::super::limits::{PHONE_NAME_CHARS_MAX, PHONE_SEEN_MS, PHONES_MAX};
use super::super::problem::Problem;
use super::certificate;
use super::codes::Codes;
use super::near;
use crate::home::{Home, HomeError, KeptCertificate, KeptPhone, PhonesFile, random};
use axum::http::{HeaderMap, header};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Serialize;
use souk_protocol::text::Name;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};
use zeroize::Zeroizing;

const CSRF_CONTEXT: &str = "souk 2026 phone csrf v1";
const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 8;
/// How long a browser keeps what makes it a paired phone, in seconds: as long as browsers keep anything.
const COOKIE_SECONDS: u32 = 400 * 24 * 3_600;
/// Browsers take a cookie of such a name from this origin alone, over TLS, for all its paths.
const COOKIE_PREFIX: &str = "__Host-";
/// Wishes for the switch that wait.
const TURNS_MAX: usize = 8;

/// A phone that asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct AtPhone {
    pub(in super::super) id: String,
    /// What its forms hold. It is made from the phone's own secret, of which the node keeps the hash alone.
    pub(in super::super) csrf: String,
}

/// Whether phones can come in now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Listening {
    /// They are not to.
    No,
    /// They come in here.
    At(SocketAddr),
    /// They are to, and cannot.
    Failed(String),
}

/// The owner turns the switch.
pub(in super::super) struct Turn {
    pub(in super::super) on: bool,
    pub(in super::super) settled: oneshot::Sender<Result<(), Problem>>,
}

/// Why somebody at the phones' listener was turned away before a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Why {
    /// From outside of the local network.
    Far,
    /// Too many connections of one address.
    Crowded,
    /// No TLS, or too slow.
    Handshake,
    /// Not paired.
    NoPhone,
    /// A wrong code.
    Code,
    /// Something that is not done from a phone.
    NotFromPhone,
}

impl Why {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Far, "far"),
        (Self::Crowded, "crowded"),
        (Self::Handshake, "handshake"),
        (Self::NoPhone, "no_phone"),
        (Self::Code, "code"),
        (Self::NotFromPhone, "not_from_phone"),
    ];
}

/// What the API says about phones.
#[derive(Serialize)]
pub(in super::super) struct PhonesView {
    pub(in super::super) on: bool,
    /// Where they reach the page; none while they cannot.
    pub(in super::super) addresses: Vec<String>,
    pub(in super::super) paired: usize,
}

/// All about phones.
pub(in super::super) struct Phones {
    dir: PathBuf,
    cookie_name: String,
    kept: Mutex<PhonesFile>,
    /// Held while the file is written: two changes do not overwrite each other.
    writing: Mutex<()>,
    /// When phones were seen since the file was written, by id.
    seen: Mutex<BTreeMap<String, u64>>,
    codes: Mutex<Codes>,
    /// Counts up whenever a phone came or went.
    changed: watch::Sender<u64>,
    listening: watch::Sender<Listening>,
    turns: mpsc::Sender<Turn>,
    /// For the listener, once there is one.
    turned: Mutex<Option<mpsc::Receiver<Turn>>>,
    refused: [AtomicU64; Why::ALL.len()],
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_kept(error: HomeError) -> Problem {
    Problem::Fault(error.to_string())
}

/// How the owner will know the phone.
fn name(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let name = Name::new(text).map_err(|error| Problem::Field(format!("name: {error}")))?;
    let chars = name.as_str().chars().count();
    let plain = !name.as_str().chars().any(char::is_control);
    match (1..=PHONE_NAME_CHARS_MAX).contains(&chars) && plain {
        true => Ok(name.to_string()),
        false => Err(Problem::Field(format!(
            "name: expected 1 to {PHONE_NAME_CHARS_MAX} characters in one line"
        ))),
    }
}

fn room_in(kept: &PhonesFile) -> Result<(), Problem> {
    match kept.phones.len() < PHONES_MAX {
        true => Ok(()),
        false => Err(Problem::NotAllowed {
            message: format!("{PHONES_MAX} phones are paired already"),
            next: "Throw one out first.",
        }),
    }
}

impl Phones {
    /// As they were kept in a node's directory. `cookie` is the name of the owner's cookie: no two nodes on
    /// one machine have the same.
    pub(in super::super) fn open(home: &Home, cookie: &str) -> Result<Self, HomeError> {
        let (turns, turned) = mpsc::channel(TURNS_MAX);
        Ok(Self {
            dir: home.dir().to_owned(),
            cookie_name: format!("{COOKIE_PREFIX}{cookie}"),
            kept: Mutex::new(home.phones()?),
            writing: Mutex::default(),
            seen: Mutex::default(),
            codes: Mutex::default(),
            changed: watch::Sender::new(0),
            listening: watch::Sender::new(Listening::No),
            turns,
            turned: Mutex::new(Some(turned)),
            refused: Default::default(),
        })
    }

    /// Changes what is kept: on disk first, then in memory.
    fn change<T>(&self, change: impl FnOnce(&mut PhonesFile) -> Result<T, Problem>) -> Result<T, Problem> {
        let _writing = held(&self.writing);
        let mut kept = held(&self.kept).clone();
        let done = change(&mut kept)?;
        let seen = held(&self.seen).clone();
        for phone in &mut kept.phones {
            phone.seen = seen.get(&phone.id).copied().unwrap_or(phone.seen).max(phone.seen);
        }
        kept.write(&self.dir).map_err(not_kept)?;
        *held(&self.kept) = kept;
        Ok(done)
    }

    /// Keeps when phones were seen.
    pub(in super::super) fn save(&self) {
        if held(&self.seen).is_empty() {
            return;
        }
        if let Err(problem) = self.change(|_| Ok(())) {
            tracing::warn!(%problem, "when phones were seen was not kept");
        }
    }

    /// The phones that are paired, the last first.
    pub(in super::super) fn all(&self) -> Vec<KeptPhone> {
        let mut all = held(&self.kept).phones.clone();
        let seen = held(&self.seen);
        for phone in &mut all {
            phone.seen = seen.get(&phone.id).copied().unwrap_or(phone.seen).max(phone.seen);
        }
        all.reverse();
        all
    }

    /// Which phone shows its cookie, and whether its being here is worth keeping on disk.
    pub(in super::super) fn who(&self, headers: &HeaderMap, now: u64) -> Option<(AtPhone, bool)> {
        let lines = headers.get_all(header::COOKIE).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let mut pairs = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let (_, secret) = pairs.find(|(name, _)| *name == self.cookie_name)?;
        let shown = blake3::hash(secret.as_bytes());
        let kept = held(&self.kept);
        // Hashes are compared in the same time wherever they differ.
        let phone = kept
            .phones
            .iter()
            .find(|phone| blake3::Hash::from_hex(&phone.secret_hash).is_ok_and(|kept| kept == shown))?;
        let stale = now.saturating_sub(phone.seen) >= PHONE_SEEN_MS;
        held(&self.seen).insert(phone.id.clone(), now);
        let csrf = blake3::derive_key(CSRF_CONTEXT, secret.as_bytes());
        let csrf = BASE64URL_NOPAD.encode(&csrf);
        let id = phone.id.clone();
        Some((AtPhone { id, csrf }, stale))
    }

    /// Whether a phone is paired still.
    pub(in super::super) fn is_paired(&self, id: &str) -> bool {
        held(&self.kept).phones.iter().any(|phone| phone.id == id)
    }

    /// Turns whenever a phone comes or goes.
    pub(in super::super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// A new code that pairs one phone.
    pub(in super::super) fn invite(&self, now: Instant) -> Result<String, Problem> {
        self.require_room()?;
        held(&self.codes).draw(now).map_err(not_kept)
    }

    fn require_room(&self) -> Result<(), Problem> {
        room_in(&held(&self.kept))
    }

    /// Whether a code is good; to look does not use it up, since programs look at links that nobody opened.
    pub(in super::super) fn look_at(&self, code: &str, now: Instant) -> Result<(), Problem> {
        held(&self.codes).check(code, now)
    }

    /// Pairs a phone; gives the header that makes its browser one.
    pub(in super::super) fn pair(
        &self,
        code: &str,
        called: &str,
        instant: Instant,
        now: u64,
    ) -> Result<String, Problem> {
        self.look_at(code, instant)?;
        // A mistake in the form costs no code.
        let name = name(called)?;
        self.require_room()?;
        let secret = random::<SECRET_BYTES>().map_err(not_kept)?;
        let secret = Zeroizing::new(BASE64URL_NOPAD.encode(secret.as_slice()));
        let id = HEXLOWER.encode(random::<ID_BYTES>().map_err(not_kept)?.as_slice());
        held(&self.codes).redeem(code, instant)?;
        self.change(|kept| {
            // Two that come at once: the place is the first one's.
            room_in(kept)?;
            kept.phones.push(KeptPhone {
                id,
                name,
                secret_hash: blake3::hash(secret.as_bytes()).to_hex().to_string(),
                paired: now,
                seen: now,
            });
            Ok(())
        })?;
        self.changed.send_modify(|count| *count += 1);
        Ok(format!(
            "{}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={COOKIE_SECONDS}",
            self.cookie_name, *secret
        ))
    }

    /// Throws a phone out: its next request is a stranger's, and what is open of it ends.
    pub(in super::super) fn throw_out(&self, id: &str) -> Result<(), Problem> {
        self.change(|kept| {
            let before = kept.phones.len();
            kept.phones.retain(|phone| phone.id != id);
            match kept.phones.len() < before {
                true => Ok(()),
                false => Err(Problem::NotFound {
                    message: "no such phone is paired".into(),
                    next: "Reload the page: it may be out already.",
                }),
            }
        })?;
        held(&self.seen).remove(id);
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Whether phones are to come in.
    pub(in super::super) fn is_on(&self) -> bool {
        held(&self.kept).on
    }
    /// Keeps whether phones are to come in. With the listener all codes end.
    pub(in super::super) fn keep_on(&self, on: bool) -> Result<(), Problem> {
        if !on {
            held(&self.codes).clear();
        }
        self.change(|kept| {
            kept.on = on;
            Ok(())
        })
    }

    /// The port of the last time.
    pub(in super::super) fn port(&self) -> Option<u16> {
        held(&self.kept).port
    }
    /// Keeps the port for the next time: phones find the page there again.
    pub(in super::super) fn keep_port(&self, port: u16) -> Result<(), Problem> {
        self.change(|kept| {
            kept.port = Some(port);
            Ok(())
        })
    }

    /// The certificate for a listener that begins now: the one that phones know, unless it is too old.
    pub(in super::super) fn certificate(&self, now: u64) -> Result<KeptCertificate, Problem> {
        let kept = held(&self.kept).certificate.clone();
        match kept {
            Some(kept) if !certificate::is_old(&kept, now) => Ok(kept),
            _ => {
                let made = certificate::made(now)?;
                self.change(|kept| {
                    kept.certificate = Some(made.clone());
                    Ok(made)
                })
            }
        }
    }
    /// The bytes of the certificate that is shown, once there is one.
    pub(in super::super) fn shown(&self) -> Option<Vec<u8>> {
        let kept = held(&self.kept).certificate.clone();
        kept.and_then(|kept| certificate::der(&kept).ok())
    }

    /// Has the listener begin or end, and waits until it did.
    pub(in super::super) async fn turn(&self, on: bool) -> Result<(), Problem> {
        let (settled, settles) = oneshot::channel();
        let nobody = |_| Problem::NotAllowed {
            message: "this node serves no phones".into(),
            next: "Start it with 'souk up'.",
        };
        // Without a listener nobody would ever answer.
        if held(&self.turned).is_some() {
            return Err(nobody(()));
        }
        self.turns
            .send(Turn { on, settled })
            .await
            .map_err(|_| nobody(()))?;
        settles.await.map_err(|_| Problem::Stopping)?
    }
    /// What the listener waits for; one listener has it.
    pub(in super::super) fn turned(&self) -> Option<mpsc::Receiver<Turn>> {
        held(&self.turned).take()
    }
    /// The listener says how it is.
    pub(in super::super) fn tell(&self, listening: Listening) {
        self.listening.send_replace(listening);
    }
    /// How the listener is.
    pub(in super::super) fn listening(&self) -> Listening {
        self.listening.borrow().clone()
    }

    /// Counts somebody who was turned away.
    pub(in super::super) fn refuse(&self, why: Why) {
        if let Some(place) = Why::ALL.iter().position(|(known, _)| *known == why)
            && let Some(count) = self.refused.get(place)
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// How many were turned away, by why.
    pub(in super::super) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = Why::ALL.iter().map(|(_, name)| *name);
        names.zip(self.refused.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// How it stands, without anything that is secret.
    pub(in super::super) fn view(&self) -> PhonesView {
        PhonesView {
            on: self.is_on(),
            addresses: self.addresses(),
            paired: held(&self.kept).phones.len(),
        }
    }
    /// Where phones reach the page now, the likeliest first.
    pub(in super::super) fn addresses(&self) -> Vec<String> {
        match self.listening() {
            Listening::At(at) => near::reachable(at)
                .into_iter()
                .map(|at| format!("https://{}", near::host(at)))
                .collect(),
            Listening::No | Listening::Failed(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const NOW: u64 = 1_800_000_000_000;

    fn phones() -> (tempfile::TempDir, Home, Phones) {
        let dir = tempfile::tempdir().unwrap();
        let (home, _) = Home::open_or_create(&dir.path().join("alice"), None).unwrap();
        let phones = Phones::open(&home, "souk-x").unwrap();
        (dir, home, phones)
    }

    fn paired(phones: &Phones, name: &str) -> HeaderMap {
        let now = Instant::now();
        let code = phones.invite(now).unwrap();
        let cookie = phones.pair(&code, name, now, NOW).unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        headers
    }

    #[test]
    fn a_phone_is_known_by_its_secret_and_the_secret_is_not_on_disk() {
        let (dir, home, phones) = phones();
        let headers = paired(&phones, " Pocket ");
        let (known, _) = phones.who(&headers, NOW).unwrap();
        assert_eq!(phones.all()[0].name, "Pocket");
        let shown = headers[header::COOKIE].to_str().unwrap();
        let secret = shown.split_once('=').unwrap().1;
        assert!(shown.starts_with("__Host-souk-x=") && secret.len() >= 43);
        let file = std::fs::read_to_string(dir.path().join("alice/phones.json")).unwrap();
        assert!(!file.contains(secret) && file.contains("Pocket"));
        // It outlives the process, and its seal is the same.
        let again = Phones::open(&home, "souk-x").unwrap();
        assert_eq!(again.who(&headers, NOW).unwrap().0, known);
        let mut wrong = headers.clone();
        let value = format!("{}x", shown);
        wrong.insert(header::COOKIE, HeaderValue::from_str(&value).unwrap());
        assert_eq!(phones.who(&wrong, NOW), None);
        let other = Phones::open(&home, "souk-y").unwrap();
        assert_eq!(other.who(&headers, NOW), None);
    }

    #[test]
    fn who_was_thrown_out_is_a_stranger_here_and_after_a_restart() {
        let (_dir, home, phones) = phones();
        let (lost, kept) = (paired(&phones, "lost"), paired(&phones, "kept"));
        let mut changes = phones.changes();
        changes.mark_unchanged();
        let id = phones.who(&lost, NOW).unwrap().0.id;
        phones.throw_out(&id).unwrap();
        assert!(changes.has_changed().unwrap() && !phones.is_paired(&id));
        assert!(phones.who(&lost, NOW).is_none() && phones.who(&kept, NOW).is_some());
        assert!(matches!(phones.throw_out(&id), Err(Problem::NotFound { .. })));
        let again = Phones::open(&home, "souk-x").unwrap();
        assert!(again.who(&lost, NOW).is_none() && again.who(&kept, NOW).is_some());
    }

    #[test]
    fn there_are_so_many_phones_and_no_name_that_is_none() {
        let (_dir, _, phones) = phones();
        let now = Instant::now();
        let code = phones.invite(now).unwrap();
        for bad in ["", "  ", "a\nb", "a\u{7}b", &"x".repeat(PHONE_NAME_CHARS_MAX + 1)] {
            assert!(
                matches!(phones.pair(&code, bad, now, NOW), Err(Problem::Field(_))),
                "{bad:?}"
            );
        }
        phones.pair(&code, &"ä".repeat(20), now, NOW).unwrap();
        for number in 1..PHONES_MAX {
            paired(&phones, &number.to_string());
        }
        assert!(matches!(phones.invite(now), Err(Problem::NotAllowed { .. })));
        assert_eq!(phones.all().len(), PHONES_MAX);
    }

    #[test]
    fn when_a_phone_was_seen_is_kept_now_and_then() {
        let (_dir, home, phones) = phones();
        let headers = paired(&phones, "Pocket");
        assert!(!phones.who(&headers, NOW + 1).unwrap().1);
        assert!(phones.who(&headers, NOW + PHONE_SEEN_MS).unwrap().1);
        assert_eq!(phones.all()[0].seen, NOW + PHONE_SEEN_MS);
        phones.save();
        assert!(!phones.who(&headers, NOW + PHONE_SEEN_MS + 1).unwrap().1);
        let again = Phones::open(&home, "souk-x").unwrap();
        assert_eq!(again.all()[0].seen, NOW + PHONE_SEEN_MS);
    }

    #[test]
    fn the_certificate_stays_until_it_is_old() {
        let (_dir, home, phones) = phones();
        let first = phones.certificate(NOW).unwrap();
        assert_eq!(phones.certificate(NOW + 1).unwrap().der, first.der);
        let again = Phones::open(&home, "souk-x").unwrap();
        assert_eq!(again.certificate(NOW).unwrap().der, first.der);
        assert_ne!(again.certificate(first.ends).unwrap().der, first.der);
    }
}
