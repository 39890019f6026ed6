//! Becoming one of an author's devices: from a code to a directory with keys. No node runs meanwhile; the
//! network is up just for this. Described in `spec/devices.md`.

use crate::home::{Home, HomeError, Primary, Vacancy, random};
use crate::network::{self, Event, Network, NetworkError, Protocol, RequestError};
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::identity::DeviceKey;
use souk_protocol::limits::INVITATION_MS;
use souk_protocol::pairing::{Invitation, Joining, PairAnswer, PairAsk, PairError};
use souk_protocol::sync::{Answer, FrameError, Request};
use souk_protocol::text::{Name, TextError};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How often the other device is asked whether the owner has said yes.
const FETCH_EVERY: Duration = Duration::from_millis(500);

/// What is needed to join.
#[derive(Debug, Clone)]
pub struct Join {
    /// The directory of the device to be; empty, or not there.
    pub home: PathBuf,
    /// The code that the other device shows.
    pub code: String,
    /// What its owner calls it.
    pub name: String,
    /// How to reach the other device; none for all addresses of this machine.
    pub network: Option<network::Config>,
}

/// Why no device came of it.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The code or an answer is not as it must be.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// The name is not one.
    #[error("the name cannot be used: {0}")]
    Name(#[from] TextError),
    /// No address can be listened on.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The other device is not where the code says.
    #[error("the device that invites cannot be reached: {0}")]
    Away(String),
    /// It gave no answer.
    #[error("the device that invites does not answer: {0}")]
    Silent(#[from] RequestError),
    /// Its answer cannot be read.
    #[error("the device that invites answered something that cannot be read: {0}")]
    Frame(#[from] FrameError),
    /// It says no.
    #[error("the device that invites says: {0}")]
    Refused(String),
    /// The owner did not say yes in time.
    #[error("nobody said on the other device that the words agree")]
    Late,
    /// The runtime cannot be started.
    #[error("the program cannot start its threads: {0}")]
    Runtime(std::io::Error),
}

impl JoinError {
    /// What to do next, one sentence.
    pub fn next(&self) -> String {
        match self {
            Self::Home(error) => error.next(),
            Self::Pair(PairError::Code | PairError::Checksum) => {
                "Copy the whole code that 'souk device invite' shows on the other device.".into()
            }
            Self::Name(_) => "Choose a shorter one without control characters.".into(),
            Self::Network(_) => "See that this machine has a network.".into(),
            Self::Away(_) | Self::Silent(_) => {
                "See that 'souk up' runs there and that both are in one network, and make a new code.".into()
            }
            Self::Pair(_) | Self::Frame(_) | Self::Refused(_) | Self::Late => {
                "Make a new code with 'souk device invite' on the other device.".into()
            }
            Self::Runtime(_) => "Try again.".into(),
        }
    }
}

/// A device that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// For whom it speaks.
    pub author: AuthorId,
    /// Which device it is.
    pub device: DeviceId,
}

/// Joins, and makes the directory. Calls `show` with the words that the owner is to compare.
pub fn join(wish: &Join, show: impl FnOnce(&str)) -> Result<Joined, JoinError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(JoinError::Runtime)?;
    runtime.block_on(join_in(wish, show))
}

/// As [`join`], within a tokio runtime.
pub async fn join_in(wish: &Join, show: impl FnOnce(&str)) -> Result<Joined, JoinError> {
    let invitation = Invitation::parse(&wish.code)?;
    let name = Name::new(wish.name.trim())?;
    let vacancy = Vacancy::hold(&wish.home)?;
    let key = DeviceKey::from_secret(&*random::<32>()?);
    let (joining, begin) = Joining::begin(invitation, key.device(), *random::<32>()?, name.clone());
    let config = wish
        .network
        .clone()
        .unwrap_or_else(|| towards(&joining.addresses()));
    let (network, events) = network::start(config, key.secret())?;
    let deaf = tokio::spawn(turn_away(events));
    let asked = ask_in(&network, &joining, begin, show).await;
    network.shutdown().await;
    deaf.abort();
    let (author, grant, primary) = asked?;
    let home: Home = vacancy.fill(&key, name.as_str(), author, grant, &primary)?;
    Ok(Joined {
        author: home.author(),
        device: home.device(),
    })
}

/// Listens no further than it must: on this machine alone if the other device is on it too.
fn towards(addresses: &[String]) -> network::Config {
    if addresses
        .iter()
        .all(|address| address.starts_with("/ip4/127.0.0.1/"))
    {
        return network::Config::loopback();
    }
    let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    network::Config::on_ports(&any, 0)
}

/// Answers nobody: a device without an author has nothing to say.
async fn turn_away(mut events: mpsc::Receiver<Event>) {
    while events.recv().await.is_some() {}
}

async fn ask_in(
    network: &Network,
    joining: &Joining,
    begin: PairAsk,
    show: impl FnOnce(&str),
) -> Result<(AuthorId, souk_protocol::identity::Grant, Primary), JoinError> {
    let addresses = dial(network, joining).await?;
    let begun = ask(network, joining, begin).await?;
    let (words, reveal) = joining.begun(&begun)?;
    ask(network, joining, reveal).await?;
    show(&words.join(" "));
    let until = Instant::now() + Duration::from_millis(INVITATION_MS);
    while Instant::now() < until {
        if let Some((author, grant)) = joining.fetched(ask(network, joining, PairAsk::Fetch {}).await?)? {
            let device = joining.inviter();
            return Ok((author, grant, Primary { device, addresses }));
        }
        tokio::time::sleep(FETCH_EVERY).await;
    }
    Err(JoinError::Late)
}

/// Connects to the device that invites; says at which addresses it can be reached.
async fn dial(network: &Network, joining: &Joining) -> Result<Vec<String>, JoinError> {
    let mut why = "the code names no address".to_owned();
    for address in joining.addresses() {
        match network.dial(&address).await {
            Ok(device) if device == *joining.inviter().as_bytes() => return Ok(vec![address]),
            Ok(_) => why = format!("another device is at {address}"),
            Err(error) => why = error.to_string(),
        }
    }
    Err(JoinError::Away(why))
}

async fn ask(network: &Network, joining: &Joining, ask: PairAsk) -> Result<PairAnswer, JoinError> {
    let frame = Request::Pair(ask).write()?;
    let inviter = *joining.inviter().as_bytes();
    let answer = network.request(inviter, Protocol::Sync, frame).await?;
    match Answer::read(&answer)? {
        Answer::Pair(answer) => Ok(answer),
        Answer::Refused(why) => Err(JoinError::Refused(why.to_string())),
        _ => Err(PairError::Step.into()),
    }
}
