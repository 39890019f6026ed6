//! The owner's devices: which there are, letting another one in by a code and four words, and throwing
//! one out.

use super::super::super::problem::Problem;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::super::qr;
use super::phones::{self, PhonesCard};
use askama::Template;
use axum::response::Response;
use souk_protocol::api::{Command, Reply};
use souk_protocol::id::DeviceId;
use souk_protocol::limits::INVITATION_ADDRESSES_MAX;
use souk_protocol::view::DevicesView;

/// A code for another device.
struct Invitation {
    code: String,
    picture: Option<String>,
}

#[derive(Template)]
#[template(path = "html/devices.html")]
struct DevicesScreen<'a> {
    page: &'a Page,
    devices: DevicesView,
    invitation: Option<Invitation>,
    phones: PhonesCard,
}

/// `GET /settings/devices`
pub(super) async fn devices(page: Page) -> Result<Response, Problem> {
    show(&page, None, PhonesCard::of(&page)).await
}

async fn show(page: &Page, invitation: Option<Invitation>, phones: PhonesCard) -> Result<Response, Problem> {
    page.show(&DevicesScreen {
        page,
        devices: page.app.node.devices().await?,
        invitation,
        phones,
    })
}

/// `POST /settings/devices/phone`: the same with a code for a phone.
pub(super) async fn pair_phone(page: Page, _: Form) -> Result<Response, Problem> {
    let phones = PhonesCard {
        code: Some(phones::code(&page)?),
        ..PhonesCard::of(&page)
    };
    show(&page, None, phones).await
}

/// `POST /settings/devices/invite`: the same with a new code.
pub(super) async fn invite(mut page: Page, _: Form) -> Result<Response, Problem> {
    let mut addresses = page.app.node.status().await.listen;
    // What reaches this machine from another one first: a code names few, or it grows long.
    addresses.sort_by_key(|address| address.starts_with("/ip4/127.") || address.starts_with("/ip6/::1/"));
    addresses.truncate(INVITATION_ADDRESSES_MAX / 2);
    let reply = page.carry_out(Command::InviteDevice { addresses }).await?;
    let Reply::Invited { code, .. } = reply else {
        return Err(Problem::Fault("the node gave no code".into()));
    };
    // The code is younger than the request.
    page.voice.now = page.app.node.now().0;
    let picture = qr::code(&code);
    let phones = PhonesCard::of(&page);
    show(&page, Some(Invitation { code, picture }), phones).await
}

/// The owner says that both devices show the same words.
pub(super) async fn confirm(page: &Page, form: &Form) -> Result<Done, Problem> {
    page.carry_out(Command::ConfirmDevice {
        words: form.text("words").to_owned(),
    })
    .await?;
    Ok(Done::to("/settings/devices".into(), "device-in"))
}

/// Nobody comes in any more.
pub(super) async fn close(page: &Page) -> Result<Done, Problem> {
    page.carry_out(Command::CloseInvitation).await?;
    Ok(Done::to("/settings/devices".into(), "invitation-closed"))
}

/// Throws a device out, if the owner has said that they are sure: it cannot be taken back.
pub(super) async fn revoke(page: &Page, form: &Form) -> Result<Done, Problem> {
    let device: DeviceId = form.parsed("key")?;
    if !form.ticked("sure") {
        return Err(Problem::Field(
            "tick that this device is to be thrown out for good".into(),
        ));
    }
    page.carry_out(Command::RevokeDevice { device }).await?;
    Ok(Done::here("device-out"))
}
