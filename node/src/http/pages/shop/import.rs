//! Product files: chosen, read whole, shown as what they would change, and only then imported.

use super::super::super::app::{App, blocking};
use super::super::super::imports::{Difference, Imported, Pending, Plan, Planned, Stage};
use super::super::super::limits::{IMPORT_PREVIEW_MAX, PRODUCT_FILE_BYTES_MAX};
use super::super::super::problem::Problem;
use super::super::super::product_file;
use super::super::done::{Done, again};
use super::super::form::Form;
use super::super::page::{Page, see};
use super::plan::plan;
use crate::home::random;
use askama::Template;
use axum::extract::State;
use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use souk_protocol::money::{Amount, Currency};
use std::sync::Arc;

/// Bytes of the random name of an import.
const ID_BYTES: usize = 12;
/// Characters of a file's name that are shown.
const NAME_CHARS: usize = 120;
/// Warnings that are shown one by one.
const WARNINGS: usize = 100;
/// After how many seconds a page that shows progress asks again.
const AGAIN_SECONDS: &str = "1";

#[derive(Template)]
#[template(path = "html/shop_import.html")]
struct ChooseScreen<'a> {
    page: &'a Page,
    pending: Option<Pending>,
    bytes_max: u64,
}

/// `GET /shop/import`
pub(super) async fn choose(page: Page) -> Result<Response, Problem> {
    product_file::currency(&page.app).await?;
    page.show(&ChooseScreen {
        page: &page,
        pending: page.app.pending.newest(),
        bytes_max: PRODUCT_FILE_BYTES_MAX as u64,
    })
}

/// `POST /shop/import`
pub(super) async fn upload(
    State(app): State<App>,
    page: Page,
    parts: Result<Multipart, MultipartRejection>,
) -> Response {
    let taken = match parts {
        Ok(parts) => take(&page, parts).await,
        Err(rejection) => Err(Problem::Form(rejection.body_text())),
    };
    match taken {
        Ok(id) => see(&format!("/shop/import/{id}")),
        Err(problem) => {
            let back = "/shop/import".to_owned();
            again(app, &page, back, Form::default(), problem).await
        }
    }
}

fn cut(error: &MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge(PRODUCT_FILE_BYTES_MAX),
        _ => Problem::Form(error.body_text()),
    }
}

/// Reads the form; keeps the file with what it would change. Writes nothing.
async fn take(page: &Page, mut parts: Multipart) -> Result<String, Problem> {
    let (mut sealed, mut drafts, mut chosen) = (false, false, None);
    while let Some(part) = parts.next_field().await.map_err(|error| cut(&error))? {
        match part.name().unwrap_or_default() {
            "csrf" => {
                let shown = part.text().await.map_err(|error| cut(&error))?;
                sealed = page.is_seal(&shown);
            }
            // Before anything else is read the form must have shown that it is ours.
            _ if !sealed => return Err(Problem::Seal),
            "drafts" => drafts = true,
            "file" => {
                let name = part
                    .file_name()
                    .unwrap_or_default()
                    .chars()
                    .take(NAME_CHARS)
                    .collect();
                let bytes = part.bytes().await.map_err(|error| cut(&error))?;
                chosen = Some((name, bytes));
            }
            _ => {}
        }
    }
    let (name, bytes): (String, _) = match chosen {
        _ if !sealed => return Err(Problem::Seal),
        Some((_, bytes)) if bytes.is_empty() => {
            return Err(Problem::Field("choose a file with products first".into()));
        }
        None => return Err(Problem::Field("choose a file with products first".into())),
        Some(chosen) => chosen,
    };
    if bytes.len() > PRODUCT_FILE_BYTES_MAX {
        return Err(Problem::TooLarge(PRODUCT_FILE_BYTES_MAX));
    }
    let (currency, me) = (product_file::currency(&page.app).await?, page.me);
    let node = page.app.node.clone();
    let read = blocking(move || {
        let file = product_file::read(&bytes, currency)?;
        let plan = node.records().read(|records| plan(records, &me, &file, drafts))?;
        Ok::<_, Problem>((file, plan))
    });
    let (file, plan) = read.await??;
    let id = random::<ID_BYTES>().map_err(|error| Problem::Fault(error.to_string()))?;
    let id = data_encoding::HEXLOWER.encode(id.as_slice());
    match page.app.pending.keep(&id, &name, drafts, file, plan) {
        true => Ok(id),
        false => Err(Problem::TooMany {
            message: "an import is under way already".into(),
            next: "Wait until it is done.",
        }),
    }
}

#[derive(Template)]
#[template(path = "html/shop_plan.html")]
struct PlanScreen<'a> {
    page: &'a Page,
    pending: &'a Pending,
    currency: Currency,
    plan: &'a Plan,
    warnings: Vec<String>,
    warnings_count: usize,
    further: usize,
}

impl PlanScreen<'_> {
    fn money(&self, minor: &i64) -> String {
        self.page.money(&Amount {
            minor: *minor,
            currency: self.currency,
        })
    }
    fn colour(&self, row: &Planned) -> &'static str {
        if row.changes.is_none() { "good" } else { "accent" }
    }
}

#[derive(Template)]
#[template(path = "html/shop_imported.html")]
struct ImportedScreen<'a> {
    page: &'a Page,
    pending: &'a Pending,
    runs: Option<(usize, usize)>,
    done: Option<&'a Imported>,
    failed: Option<&'a str>,
}

/// `GET /shop/import/{id}`
pub(super) async fn pending(page: Page) -> Result<Response, Problem> {
    let pending = page.app.pending.of(page.place("id"));
    let pending = pending.ok_or_else(|| Problem::NotFound {
        message: "this file is not kept any more".into(),
        next: "Choose it again; nothing was written.",
    })?;
    let currency = product_file::currency(&page.app).await?;
    let shown = |runs, done, failed| {
        page.show(&ImportedScreen {
            page: &page,
            pending: &pending,
            runs,
            done,
            failed,
        })
    };
    match &pending.stage {
        Stage::Waits(file, plan) => page.show(&PlanScreen {
            page: &page,
            pending: &pending,
            currency,
            plan,
            warnings: file
                .warnings
                .iter()
                .take(WARNINGS)
                .map(ToString::to_string)
                .collect(),
            warnings_count: file.warnings.len(),
            further: (plan.new + plan.changed).saturating_sub(IMPORT_PREVIEW_MAX),
        }),
        Stage::Runs { listings, of } => {
            let mut response = shown(Some((*listings, *of)), None, None)?;
            // The page asks again by itself, with scripts and without.
            let again = HeaderValue::from_static(AGAIN_SECONDS);
            response.headers_mut().insert(header::REFRESH, again);
            Ok(response)
        }
        Stage::Done(imported) => shown(None, Some(imported), None),
        Stage::Failed(why) => shown(None, None, Some(why)),
    }
}

/// `shop.import`
pub(super) async fn begin(page: &Page, form: &Form) -> Result<Done, Problem> {
    let (app, id) = (page.app.clone(), form.text("key").to_owned());
    let turn = product_file::turn(&app)?;
    if let Some((file, drafts)) = app.pending.begin(&id) {
        let key = id.clone();
        tokio::spawn(async move {
            let tell = |listings, of| app.pending.tell(&key, Stage::Runs { listings, of });
            let stage = match product_file::write(&app, &file, drafts, tell).await {
                Ok(imported) => Stage::Done(Arc::new(imported)),
                Err(problem) => Stage::Failed(problem.to_string()),
            };
            app.pending.tell(&key, stage);
            drop(turn);
        });
    }
    Ok(Done::to(format!("/shop/import/{id}"), ""))
}

/// `shop.forget`
pub(super) fn forget(page: &Page, form: &Form) -> Result<Done, Problem> {
    page.app.pending.forget(form.text("key"));
    Ok(Done::to("/shop/import".into(), "shop-forgotten"))
}
