//! `souk profile`: somebody's profile and who of one's own people vouches for them; or one's own, set.

use super::Context;
use crate::answer::{Profile as Answer, Status};
use crate::client::{Client, shaped};
use crate::failure::Failure;
use crate::output::{paragraph, strong};
use crate::pick::{author, oneself, person};
use clap::Args;
use souk_protocol::api::Command;

/// What `profile` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Profile {
    /// Whose: a name or an id; without it your own
    #[arg(value_name = "AUTHOR", conflicts_with_all = ["name", "about"])]
    whose: Option<String>,
    /// How you want to be called
    #[arg(long)]
    name: Option<String>,
    /// A few words about you
    #[arg(long)]
    about: Option<String>,
}

/// Shows or sets it.
pub(crate) fn run(wish: &Profile, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    if wish.name.is_some() || wish.about.is_some() {
        return set(wish, &client, context);
    }
    let whose = match &wish.whose {
        Some(text) => author(&client, text)?,
        None => oneself(&client)?,
    };
    let value = client.read(&format!("/profiles/{whose}"), &[])?;
    context.output.object(&value);
    let profile: Answer = shaped("/profiles", value)?;
    let out = context.output;
    out.line(strong(&person(profile.name.as_deref(), &profile.author)));
    out.line(profile.author.to_string());
    if let Some(about) = profile.about.as_deref().filter(|about| !about.is_empty()) {
        out.line(paragraph(about, 0));
    }
    if profile.followed {
        out.line("you follow them");
    }
    if profile.equivocated {
        out.line("careful: a device of theirs has signed two different things under one number");
    }
    for voucher in &profile.vouched_by {
        out.line(format!(
            "vouched for by {}",
            person(voucher.name.as_deref(), &voucher.author)
        ));
    }
    Ok(())
}

fn set(wish: &Profile, client: &Client, context: &Context) -> Result<(), Failure> {
    let status: Status = client.read_as("/status", &[])?;
    // A profile is said as a whole, so what is not named now is said again.
    let now = match client.find(&format!("/profiles/{}", status.author))? {
        Some(value) => Some(shaped::<Answer>("/profiles", value)?),
        None => None,
    };
    let name = wish.name.clone().or(status.name).unwrap_or_default();
    let about = wish
        .about
        .clone()
        .or_else(|| now.and_then(|now| now.about))
        .unwrap_or_default();
    let (value, _) = client.command(&Command::SetProfile {
        name: name.clone(),
        about,
    })?;
    context.output.answer(&value, format!("you are {name} now"));
    Ok(())
}
