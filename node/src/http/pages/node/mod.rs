//! The node, its settings, and the first steps with it.
//!
//! | file | what it holds |
//! |---|---|
//! | `recovery` | the recovery words: shown when asked for, three of them confirmed |
//! | `welcome` | the first steps: a name, the words, people to follow |
//! | `network` | who is connected, what comes and goes, what is checked |
//! | `settings` | who one is, addresses, languages and colours, limits, other programs |
//! | `phones` | phones that the owner pairs with this node |
//! | `devices` | the owner's devices, and letting another one in |
//! | `backup` | a backup file to keep |
//! | `privacy` | what others see, and what never leaves |
//! | `bell` | the notices |

mod backup;
mod bell;
mod devices;
mod network;
mod phones;
mod privacy;
mod recovery;
mod settings;
mod welcome;

use super::super::app::App;
use super::super::problem::Problem;
use super::done::{Done, again, unknown};
use super::form::Form;
use super::page::{Page, screen, see};
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{self, MethodRouter};

pub(super) use welcome::is_new;

/// The routes of these screens.
pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/welcome", screen(welcome::welcome))
        .route("/welcome/words", answering("/welcome", welcome::show_words))
        .route("/network", screen(network::network))
        .route("/settings", screen(settings::identity))
        .route("/settings/words", answering("/settings", settings::show_words))
        .route("/settings/devices", screen(devices::devices))
        .route(
            "/settings/devices/invite",
            answering("/settings/devices", devices::invite),
        )
        .route(
            "/settings/devices/phone",
            answering("/settings/devices", devices::pair_phone),
        )
        .route("/settings/backup", screen(backup::backup))
        .route(
            "/settings/backup/file",
            answering("/settings/backup", backup::file),
        )
        .route("/settings/privacy", screen(privacy::privacy))
        .route("/settings/addresses", screen(settings::addresses))
        .route("/settings/look", screen(settings::look))
        .route("/settings/limits", screen(settings::limits))
        .route("/settings/access", screen(settings::access))
        .route(
            "/settings/access/link",
            answering("/settings/access", settings::link),
        )
        .route("/notices", screen(bell::notices))
        .route("/more", screen(more))
}

/// A route for a form whose answer is itself a screen, since what it shows may stand in no address and in
/// no history: recovery words, a code, a file. Asked for with GET it leads to the screen that the form
/// stands on; a form that is refused shows that screen again.
fn answering<F, Answered>(on: &'static str, draw: F) -> MethodRouter<App>
where
    F: Fn(Page, Form) -> Answered + Clone + Send + Sync + 'static,
    Answered: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    let answer = move |State(app): State<App>, mut page: Page, form: Form| {
        let draw = draw.clone();
        async move {
            // Forms on the screen that is drawn lead back to where it can be asked for.
            page.path = on.to_owned();
            let drawn = match page.is_seal(form.get("csrf")) {
                true => draw(page.clone(), form.clone()).await,
                false => Err(Problem::Seal),
            };
            match drawn {
                Ok(response) => response,
                Err(problem) => again(app, &page, on.to_owned(), form, problem).await,
            }
        }
    };
    routing::post(answer).get(move || async move { see(on) })
}

#[derive(Template)]
#[template(path = "html/more.html")]
struct MoreScreen<'a> {
    page: &'a Page,
}

/// `GET /more`: all places that the bar at the bottom of a small screen has no room for.
async fn more(page: Page) -> Result<Response, Problem> {
    page.show(&MoreScreen { page: &page })
}

/// Forms of these screens.
pub(super) async fn act(page: &Page, name: &str, form: &Form) -> Result<Done, Problem> {
    match name {
        "profile" => settings::save_profile(page, form).await,
        "words-confirmed" => recovery::confirm(page, form).await,
        "follow" => welcome::follow(page, form).await,
        "welcomed" => welcome::finish(page).await,
        "dial" => network::dial(page, form).await,
        "confirm-device" => devices::confirm(page, form).await,
        "close-invitation" => devices::close(page).await,
        "revoke" => devices::revoke(page, form).await,
        "phones" => phones::turn(page, form).await,
        "phone-out" => phones::throw_out(page, form).await,
        "address" => settings::save_address(page, form).await,
        "look" => settings::save_look(page, form),
        other => Err(unknown(other)),
    }
}
