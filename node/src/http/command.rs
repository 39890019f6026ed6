//! Commands, and their repetition: a key that comes again gets the first answer, and nothing happens
//! twice. The answers are kept in memory, so a key is forgotten when the node stops.

use super::app::{App, bytes, json};
use super::door::Caller;
use super::limits::{ANSWERS_KEPT_MAX, BODY_BYTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX, IMPORT_PRODUCTS_MAX};
use super::phones::{Why, rights};
use super::problem::Problem;
use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use souk_protocol::api::{Command, Refused, Reply};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What became of a command, as far as it may be repeated: done, or refused by the peer.
type Settled = Result<Reply, Refused>;

/// The first answer to a key, and what was asked with it.
struct Kept<Answer> {
    asked: blake3::Hash,
    answer: Arc<OnceCell<Answer>>,
}

/// First answers by key; the oldest is forgotten first.
pub(super) struct Answers<Answer = Settled>(Mutex<Firsts<Answer>>);

/// What is kept by key, and the keys in the order in which they came.
type Firsts<Answer> = (BTreeMap<String, Kept<Answer>>, VecDeque<String>);

impl<Answer> Default for Answers<Answer> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Answer> Answers<Answer> {
    /// The place for the answer to this key. A key is for one thing that is asked.
    fn place(&self, key: &str, asked: blake3::Hash) -> Result<Arc<OnceCell<Answer>>, Problem> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (answers, order) = &mut *kept;
        if let Some(kept) = answers.get(key) {
            return match kept.asked == asked {
                true => Ok(Arc::clone(&kept.answer)),
                false => Err(Problem::Field(
                    "this Idempotency-Key was used for another command".into(),
                )),
            };
        }
        while order.len() >= ANSWERS_KEPT_MAX {
            if let Some(oldest) = order.pop_front() {
                answers.remove(&oldest);
            }
        }
        let answer = Arc::<OnceCell<Answer>>::default();
        answers.insert(
            key.to_owned(),
            Kept {
                asked,
                answer: Arc::clone(&answer),
            },
        );
        order.push_back(key.to_owned());
        Ok(answer)
    }

    /// The place for what becomes of a form: one and the same for the form sent again with the same in it.
    pub(super) fn place_of_form(
        &self,
        once: &str,
        form: blake3::Hash,
    ) -> Result<Arc<OnceCell<Answer>>, Problem> {
        if once.len() > IDEMPOTENCY_KEY_BYTES_MAX {
            return Err(Problem::Form("this form's key is too long".into()));
        }
        // Whoever goes back, changes something and sends it again wants something else.
        self.place(&format!("{once}/{}", form.to_hex()), form)
    }
}

/// `POST /api/v1/commands`
pub(super) async fn command(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Reply>, Problem> {
    let key = key(&headers)?;
    let body = bytes(body, BODY_BYTES_MAX).await?;
    let command: Command = json(&body)?;
    if matches!(caller, Caller::Phone(_)) && !rights::may_command(&command) {
        app.phones.refuse(Why::NotFromPhone);
        return Err(Problem::NotFromPhone);
    }
    if let Command::ImportListings { products } = &command
        && products.len() > IMPORT_PRODUCTS_MAX
    {
        let message = format!(
            "expected at most {IMPORT_PRODUCTS_MAX} products, got {}",
            products.len()
        );
        return Err(Problem::Field(message));
    }
    let place = key
        .map(|key| app.answers.place(&key, blake3::hash(&body)))
        .transpose()?;
    carry_out(app, command, place).await.map(Json)
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Problem::Form(format!(
            "expected an Idempotency-Key of 1 to {IDEMPOTENCY_KEY_BYTES_MAX} characters"
        ))),
    }
}

/// Carries a command out even if whoever asked goes away meanwhile: the answer waits under its key.
async fn carry_out(
    app: App,
    command: Command,
    place: Option<Arc<OnceCell<Settled>>>,
) -> Result<Reply, Problem> {
    let task = tokio::spawn(async move {
        let place = place.unwrap_or_default();
        let settled = place.get_or_try_init(|| async {
            match app.node.command(command).await {
                Ok(reply) => Ok(Ok(reply)),
                Err(super::CommandError::Refused(refused)) => Ok(Err(refused)),
                // Nobody knows whether it happened; it may be asked again.
                Err(error) => Err(Problem::from(error)),
            }
        });
        settled.await.cloned()
    });
    let settled = task.await.map_err(|error| Problem::Fault(error.to_string()))??;
    Ok(settled?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_one_command_and_the_oldest_is_forgotten() {
        let answers: Answers = Answers::default();
        let (one, other) = (blake3::hash(b"one"), blake3::hash(b"other"));
        let place = answers.place("k", one).unwrap();
        assert!(Arc::ptr_eq(&place, &answers.place("k", one).unwrap()));
        assert!(matches!(answers.place("k", other), Err(Problem::Field(_))));
        for n in 0..ANSWERS_KEPT_MAX {
            answers.place(&n.to_string(), one).unwrap();
        }
        assert!(answers.place("k", other).is_ok());
    }
}
