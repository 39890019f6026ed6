//! Performing what the peer decided, and bringing it what the network says. Nothing is decided here.

use crate::indexer::Changes;
use crate::network::{
    Device, Event, GossipId, Network, Protocol, Reply as NetworkReply, Verdict as NetworkVerdict,
};
use crate::store::Store;
use crate::verify::Verifier;
use souk_protocol::admission::Verdict;
use souk_protocol::api::{Happening, Past, Refused, Reply};
use souk_protocol::envelope::author_topic;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId};
use souk_protocol::peer::{Action, Input};
use souk_protocol::records::{Records, Tree};
use souk_protocol::sync::{Answer, Request};
use souk_protocol::text::Prose;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

/// Network events that are verified together.
const BATCH_MAX: usize = 256;
/// How often the peer is told that time has passed.
const TICK: Duration = Duration::from_secs(1);
/// Questions that one device is asked at once; it would refuse more than twice as many.
const ASKED_AT_ONCE_MAX: usize = 8;
/// Devices whose turns are remembered before idle ones are forgotten.
const DEVICES_ASKED_MAX: usize = 1_024;
/// Holders of one author that are dialled for one search.
const HOLDERS_DIALLED_MAX: usize = 8;

/// What became of a wish.
pub(crate) type Outcome = Result<Reply, Refused>;

/// Things that wait for the peer's word, by the number that the peer knows them by.
#[derive(Default)]
struct Waiting {
    next: u64,
    gossip: HashMap<u64, GossipId>,
    questions: HashMap<u64, NetworkReply>,
    wishes: HashMap<u64, oneshot::Sender<Outcome>>,
}

/// The two ways between the peer and the world.
#[derive(Clone)]
pub(crate) struct World {
    network: Network,
    store: Store,
    verifier: Arc<Verifier>,
    /// Taken away when the node stops: without senders the driver ends.
    inputs: Arc<Mutex<Option<mpsc::Sender<Input>>>>,
    waiting: Arc<Mutex<Waiting>>,
    greeted: watch::Sender<BTreeMap<DeviceId, AuthorId>>,
    newest_event: watch::Sender<u64>,
    index: Arc<Mutex<Option<mpsc::Sender<Changes>>>>,
    refusals: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    turns: Arc<Mutex<HashMap<DeviceId, Arc<Semaphore>>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds these locks can panic half way through a change.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(
        network: Network,
        store: Store,
        verifier: Arc<Verifier>,
        inputs: mpsc::Sender<Input>,
        newest_event: watch::Sender<u64>,
        index: mpsc::Sender<Changes>,
    ) -> Self {
        Self {
            network,
            store,
            verifier,
            inputs: Arc::new(Mutex::new(Some(inputs))),
            waiting: Arc::default(),
            greeted: watch::channel(BTreeMap::new()).0,
            newest_event,
            index: Arc::new(Mutex::new(Some(index))),
            refusals: Arc::default(),
            turns: Arc::default(),
        }
    }

    /// Brings the peer an input; says whether there still is one.
    async fn bring(&self, input: Input) -> bool {
        let inputs = locked(&self.inputs).clone();
        match inputs {
            Some(inputs) => inputs.send(input).await.is_ok(),
            None => false,
        }
    }

    /// Lets no further input in: the driver ends with those that are waiting.
    pub(crate) fn close(&self) {
        locked(&self.inputs).take();
        locked(&self.index).take();
        // Whoever waits for a reply learns that there will be none.
        locked(&self.waiting).wishes.clear();
    }

    /// For whom the connected devices speak.
    pub(crate) fn greeted(&self) -> watch::Receiver<BTreeMap<DeviceId, AuthorId>> {
        self.greeted.subscribe()
    }

    fn note(&self, what: &Happening) {
        match what {
            Happening::OwnPast { past: Past::Settled } => {
                tracing::info!("what others know of this device is known here too");
            }
            Happening::OwnPast { past } => {
                tracing::warn!("this node signs nothing any more ({past:?}); 'souk status' says what to do");
            }
            _ => {}
        }
        self.greeted.send_if_modified(|peers| match what {
            Happening::PeerCame { device, author } => peers.insert(*device, *author) != Some(*author),
            Happening::PeerLeft { device } => peers.remove(device).is_some(),
            _ => false,
        });
    }

    /// What was refused so far, by the name of the rule.
    pub(crate) fn refusals(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.refusals).clone()
    }

    fn count(&self, rule: &'static str) {
        *locked(&self.refusals).entry(rule).or_default() += 1;
    }

    /// Hands a wish to the peer; what became of it comes back once it is on disk.
    pub(crate) async fn wish(&self, command: souk_protocol::api::Command) -> Option<Outcome> {
        let (done, outcome) = oneshot::channel();
        let ticket = {
            let mut waiting = locked(&self.waiting);
            waiting.next += 1;
            let ticket = waiting.next;
            waiting.wishes.insert(ticket, done);
            ticket
        };
        let command = Box::new(command);
        if !self.bring(Input::Command { ticket, command }).await {
            locked(&self.waiting).wishes.remove(&ticket);
            return None;
        }
        outcome.await.ok()
    }

    /// Performs what the driver lets out, until it lets out nothing more.
    pub(crate) async fn perform_all(self, mut actions: mpsc::Receiver<Vec<Action>>) {
        while let Some(group) = actions.recv().await {
            for action in group {
                self.perform(action).await;
            }
        }
    }

    async fn perform(&self, action: Action) {
        match action {
            Action::Judge {
                gossip,
                verdict,
                refusal,
            } => {
                if let Some(refusal) = refusal {
                    self.count(refusal.name());
                    tracing::debug!(%refusal, "gossip not kept");
                }
                let id = locked(&self.waiting).gossip.remove(&gossip);
                if let Some(id) = id {
                    self.network.verdict(id, verdict_of(verdict)).await;
                }
            }
            Action::Announce(announcement) => {
                let published = self
                    .network
                    .publish(&announcement.topic(), announcement.bytes().to_vec())
                    .await;
                if let Err(error) = published {
                    // Whoever missed it finds it when it compares.
                    tracing::debug!(%error, "not announced");
                }
            }
            Action::Join(author) => {
                if let Err(error) = self.network.subscribe(&author_topic(&author)).await {
                    tracing::warn!(%error, "cannot listen to {author}");
                }
            }
            Action::Leave(author) => self.network.unsubscribe(&author_topic(&author)).await,
            Action::Ask {
                exchange,
                to,
                request,
            } => {
                tokio::spawn(self.clone().ask(exchange, to, request));
            }
            Action::Answer { question, answer } => self.answer(question, &answer),
            Action::Seek { author, devices } => {
                tokio::spawn(self.clone().seek(author, devices));
            }
            Action::Provide(author) => {
                let network = self.network.clone();
                tokio::spawn(async move {
                    if let Err(error) = network.provide(*author.as_bytes()).await {
                        tracing::debug!(%error, "not announced as a holder yet");
                    }
                });
            }
            Action::Reply { ticket, reply } => {
                if let Some(wish) = locked(&self.waiting).wishes.remove(&ticket) {
                    // Whoever wished may have gone; it is done all the same.
                    wish.send(reply).ok();
                }
            }
            Action::Tell(event) => {
                self.note(&event.what);
                self.newest_event.send_replace(event.number);
            }
            Action::Index { shop, listings } => {
                let index = locked(&self.index).clone();
                if let Some(index) = index
                    && index.send((shop, listings)).await.is_err()
                {
                    tracing::debug!("the search index is closed");
                }
            }
            Action::Count(refusal) => {
                self.count(refusal.name());
                tracing::debug!(%refusal, "not kept");
            }
        }
    }

    async fn ask(self, exchange: u64, to: DeviceId, request: Request) {
        let answer = self.exchange(to, request).await;
        // Without a driver there is nobody who waits for it.
        self.bring(Input::Answered { exchange, answer }).await;
    }

    /// A turn with a device, of the few that it grants: whatever more there is to ask waits here.
    async fn turn(&self, with: DeviceId) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut turns = locked(&self.turns);
            if turns.len() > DEVICES_ASKED_MAX {
                turns.retain(|_, turns| Arc::strong_count(turns) > 1);
            }
            let few = || Arc::new(Semaphore::new(ASKED_AT_ONCE_MAX));
            turns.entry(with).or_insert_with(few).clone()
        };
        turns.acquire_owned().await.ok()
    }

    async fn exchange(&self, to: DeviceId, request: Request) -> Option<Answer<souk_protocol::peer::Checked>> {
        let _turn = self.turn(to).await?;
        let protocol = protocol_of(&request);
        let frame = request
            .write()
            .inspect_err(|error| tracing::warn!(%error, "a request has no bytes"))
            .ok()?;
        let answered = self.network.request(*to.as_bytes(), protocol, frame).await;
        let frame = answered
            .inspect_err(|error| tracing::debug!(%error, "no answer from {to}"))
            .ok()?;
        let verifier = self.verifier.clone();
        let read = tokio::task::spawn_blocking(move || {
            Answer::read(&frame).map(|answer| answer.map(|raws| verifier.check_all(raws)))
        });
        match read.await.ok()? {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.count("frame");
                tracing::debug!(%error, "an answer from {to} is not one");
                None
            }
        }
    }

    fn answer(&self, question: u64, answer: &Answer) {
        let reply = locked(&self.waiting).questions.remove(&question);
        let Some(reply) = reply else { return };
        let sent = answer.write().map(|frame| reply.send(frame));
        if !matches!(sent, Ok(Ok(()))) {
            tracing::debug!("an answer did not reach its asker");
        }
    }

    /// Connects to the devices that are known by name, and to some that hold the author.
    async fn seek(self, author: AuthorId, devices: Vec<DeviceId>) {
        let known: Vec<Device> = devices.iter().map(|device| *device.as_bytes()).collect();
        let holders = self
            .network
            .providers(*author.as_bytes())
            .await
            .unwrap_or_default();
        let me = self.network.device();
        for device in known
            .into_iter()
            .chain(holders.into_iter().take(HOLDERS_DIALLED_MAX))
        {
            if device != me
                && let Err(error) = self.network.connect(device).await
            {
                tracing::debug!(%error, "a holder of {author} was not reached");
            }
        }
    }

    /// Tells the peer, now and then, that time has passed.
    pub(crate) async fn tick(self) {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            if !self.bring(Input::Tick).await {
                return;
            }
        }
    }

    /// Brings the peer what the network says, in its order, verified.
    pub(crate) async fn listen(self, mut events: mpsc::Receiver<Event>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while events.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let (world, events) = (self.clone(), std::mem::take(&mut batch));
            let verified = tokio::task::spawn_blocking(move || world.verified(events)).await;
            let Ok((inputs, known)) = verified else { return };
            for id in known {
                self.network.verdict(id, NetworkVerdict::Accept).await;
            }
            for input in inputs {
                if !self.bring(input).await {
                    return;
                }
            }
        }
    }

    /// Turns events into inputs. Gossip that is held already is known by its hash, and costs no check.
    fn verified(&self, events: Vec<Event>) -> (Vec<Input>, Vec<GossipId>) {
        use rayon::prelude::*;
        let (fresh, known): (Vec<Event>, Vec<Event>) =
            events.into_iter().partition(|event| !self.is_held(event));
        let known = known.into_iter().filter_map(|event| match event {
            Event::Gossip { id, .. } => Some(id),
            _ => None,
        });
        let inputs = fresh.into_par_iter().filter_map(|event| self.input(event));
        (inputs.collect(), known.collect())
    }

    fn is_held(&self, event: &Event) -> bool {
        let Event::Gossip { data, .. } = event else {
            return false;
        };
        let id = EnvelopeId::of(data);
        matches!(self.store.get(Tree::Place, id.as_bytes()), Ok(Some(_)))
    }

    fn input(&self, event: Event) -> Option<Input> {
        match event {
            Event::Connected { device, addr, .. } => {
                tracing::info!("connected to {} at {addr}", DeviceId::from_bytes(device));
                Some(Input::Connected(DeviceId::from_bytes(device)))
            }
            Event::Disconnected { device } => Some(Input::Disconnected(DeviceId::from_bytes(device))),
            Event::Gossip { id, from, data, .. } => {
                let envelope = Box::new(self.verifier.check(&data));
                let gossip = self.number(|waiting, number| {
                    waiting.gossip.insert(number, id);
                });
                Some(Input::Heard {
                    gossip,
                    from: DeviceId::from_bytes(from),
                    envelope,
                })
            }
            Event::Request {
                from, data, reply, ..
            } => self.question(from, &data, reply),
            Event::Listening { addr } => {
                tracing::info!("reachable at {addr}");
                None
            }
            Event::NotListening { error } => {
                tracing::warn!(%error, "one address cannot be listened on");
                None
            }
            Event::NoMdns { reason } => {
                tracing::warn!(reason, "nobody on the local network will be found");
                None
            }
            Event::PeerAway { addr, error } => {
                tracing::warn!(%error, "{addr} did not answer; it will be tried again");
                None
            }
        }
    }

    fn question(&self, from: Device, data: &[u8], reply: NetworkReply) -> Option<Input> {
        match Request::read(data) {
            Ok(request) => {
                let question = self.number(|waiting, number| {
                    waiting.questions.insert(number, reply);
                });
                let request = request.map(|raws| self.verifier.check_all(raws));
                Some(Input::Asked {
                    question,
                    from: DeviceId::from_bytes(from),
                    request,
                })
            }
            Err(error) => {
                self.count("frame");
                let refusal: Answer = Answer::Refused(Prose::fitted(&error.to_string()));
                if let Ok(frame) = refusal.write() {
                    reply.send(frame).ok();
                }
                None
            }
        }
    }

    fn number(&self, put: impl FnOnce(&mut Waiting, u64)) -> u64 {
        let mut waiting = locked(&self.waiting);
        waiting.next += 1;
        let number = waiting.next;
        put(&mut waiting, number);
        number
    }
}

fn verdict_of(verdict: Verdict) -> NetworkVerdict {
    match verdict {
        Verdict::Accept => NetworkVerdict::Accept,
        Verdict::Ignore => NetworkVerdict::Ignore,
        Verdict::Reject => NetworkVerdict::Reject,
    }
}

fn protocol_of(request: &Request) -> Protocol {
    match request {
        Request::Deliver(_) => Protocol::Order,
        Request::Settle(_) => Protocol::Tab,
        _ => Protocol::Sync,
    }
}
