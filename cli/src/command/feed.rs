//! `souk feed`: what the people one follows posted, vouched for and reviewed, each with its reason.

use super::Context;
use crate::answer::{Entry, Tagged, millis};
use crate::client::shaped;
use crate::failure::Failure;
use crate::output::{count, faint, moment, paragraph, strong};
use crate::pick::{Names, person, short};
use clap::Args;
use serde_json::Value;
use souk_protocol::id::AuthorId;

/// What `feed` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Feed {
    /// How many entries
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Where the page before ended
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
}

/// Shows it.
pub(crate) fn run(wish: &Feed, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let limit = wish.limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(wish.after.as_deref().map(|after| ("after", after)));
    let mut page = client.read("/feed", &query)?;
    if context.output.is_json() {
        context.output.object(&page);
        return Ok(());
    }
    let entries: Vec<Entry> = shaped("/feed", page["items"].take())?;
    let mut names = Names::of(&client);
    for entry in &entries {
        context.output.line(text(entry, &mut names));
    }
    if entries.is_empty() {
        context
            .output
            .line("nothing yet: the feed is what the people you follow say");
    }
    if let Some(next) = page["next"].as_str() {
        context
            .output
            .line(faint(&format!("more: souk feed --after {next}")));
    }
    Ok(())
}

fn text(entry: &Entry, names: &mut Names<'_>) -> String {
    let body = |name: &str| entry.body[name].as_str().unwrap_or_default();
    let mut author = |name: &str| body(name).parse::<AuthorId>().map(|author| names.show(&author));
    let what = match entry.kind.as_str() {
        "vouch" => {
            let subject = author("subject").unwrap_or_default();
            let stands = entry.body["stands"].as_bool().unwrap_or(true);
            let verb = if stands {
                "vouches for"
            } else {
                "no longer vouches for"
            };
            format!(
                "  {verb} {subject} ({})\n{}",
                body("category"),
                paragraph(body("why"), 2)
            )
        }
        "review" => {
            let rating = entry.body["rating"].as_u64().unwrap_or(0);
            format!("  bought it: {rating} of 5\n{}", paragraph(body("text"), 2))
        }
        _ => paragraph(body("text"), 2),
    };
    let who = strong(&person(entry.name.as_deref(), &entry.author));
    let mut lines = vec![
        format!("{who}  {}", faint(&moment(millis(&entry.time)))),
        what.trim_end().to_owned(),
    ];
    if entry.equivocated {
        lines.push(
            "  careful: a device of theirs has signed two different things under one number".to_owned(),
        );
    }
    lines.extend(entry.tags.iter().map(|tag| tagged(tag, names)));
    lines.push(faint(&format!(
        "  {}{} · {}",
        entry.id,
        answers(entry),
        because(&entry.why)
    )));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn tagged(tag: &Tagged, names: &mut Names<'_>) -> String {
    let shop = names.show(&tag.shop);
    let Some(listing) = &tag.listing else {
        return format!("  ▸ {} of {shop}: not here yet", short(&tag.id));
    };
    let price = super::shop::prices(listing);
    let title = crate::output::clean(&listing.title);
    let handle = crate::output::clean(&listing.handle);
    format!("  ▸ {title}, {price}, from {shop}: {handle}")
}

fn answers(entry: &Entry) -> String {
    let mut parts = String::new();
    if entry.replies > 0 {
        parts.push_str(&format!(" · {}", count(entry.replies, "reply", "replies")));
    }
    for (emoji, number) in &entry.reactions {
        parts.push_str(&format!(" · {emoji} {number}"));
    }
    parts
}

fn because(why: &Value) -> &'static str {
    match why["because"].as_str() {
        Some("yours") => "yours",
        Some("you_follow") => "you follow them",
        _ => "",
    }
}
