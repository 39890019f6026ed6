//! Phones that the owner pairs with this node: the switch, a code for one, which there are, and throwing
//! one out.

use super::super::super::limits::PAIR_CODE_MS;
use super::super::super::phones::{Listening, fingerprint};
use super::super::super::problem::Problem;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::super::qr;
use crate::home::KeptPhone;
use std::time::Instant;

/// What the screen shows of phones.
pub(super) struct PhonesCard {
    pub(super) on: bool,
    /// Why they cannot come in although they are to.
    pub(super) failed: Option<String>,
    pub(super) addresses: Vec<String>,
    pub(super) phones: Vec<KeptPhone>,
    pub(super) code: Option<PhoneCode>,
}

/// A code for one phone.
pub(super) struct PhoneCode {
    pub(super) link: String,
    pub(super) picture: Option<String>,
    /// The same link under the machine's other addresses.
    pub(super) others: Vec<String>,
    pub(super) fingerprint: Vec<String>,
    pub(super) minutes: u64,
}

impl PhonesCard {
    pub(super) fn of(page: &Page) -> Self {
        let phones = &page.app.phones;
        Self {
            on: phones.is_on(),
            failed: match phones.listening() {
                Listening::Failed(why) => Some(why),
                Listening::No | Listening::At(_) => None,
            },
            addresses: phones.addresses(),
            phones: phones.all(),
            code: None,
        }
    }
}

/// A new code, as the answer to the form that asks for one.
pub(super) fn code(page: &Page) -> Result<PhoneCode, Problem> {
    let phones = &page.app.phones;
    let addresses = phones.addresses();
    let (Some((first, others)), Some(certificate)) = (addresses.split_first(), phones.shown()) else {
        return Err(Problem::NotAllowed {
            message: "no phone reaches this computer now".into(),
            next: "Let phones in first, and connect the computer to the local network.",
        });
    };
    let code = phones.invite(Instant::now())?;
    let link = |address: &String| format!("{address}/pair/{code}");
    Ok(PhoneCode {
        picture: qr::code(&link(first)),
        link: link(first),
        others: others.iter().map(link).collect(),
        fingerprint: fingerprint(&certificate),
        minutes: PAIR_CODE_MS / 60_000,
    })
}

/// Turns the switch.
pub(super) async fn turn(page: &Page, form: &Form) -> Result<Done, Problem> {
    let on = match form.get("switch") {
        "on" => true,
        "off" => false,
        other => {
            return Err(Problem::Field(format!(
                "switch: expected on or off, got '{other}'"
            )));
        }
    };
    page.app.phones.turn(on).await?;
    Ok(Done::to(
        "/settings/devices#phones".into(),
        if on { "phones-on" } else { "phones-off" },
    ))
}

/// Throws a phone out, at once.
pub(super) async fn throw_out(page: &Page, form: &Form) -> Result<Done, Problem> {
    let (app, id) = (page.app.clone(), form.text("key").to_owned());
    super::super::super::app::blocking(move || app.phones.throw_out(&id)).await??;
    Ok(Done::to("/settings/devices#phones".into(), "phone-out"))
}
