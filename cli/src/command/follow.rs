//! `souk follow`: whom one reads.

use super::Context;
use crate::answer::Followed;
use crate::failure::Failure;
use crate::output::{Table, moment};
use crate::pick::{author, person};
use clap::Args;
use serde_json::{Value, json};
use souk_protocol::api::Command;

/// What `follow` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Follow {
    /// Whom: an id, or a name among those you follow; without it the list of them
    author: Option<String>,
    /// Say so in public; otherwise only you know
    #[arg(long, requires = "author", conflicts_with = "remove")]
    public: bool,
    /// Follow them no longer
    #[arg(long, requires = "author")]
    remove: bool,
}

/// Follows, follows no longer, or lists.
pub(crate) fn run(wish: &Follow, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let Some(text) = &wish.author else {
        return list(context);
    };
    let author = author(&client, text)?;
    let (command, line) = if wish.remove {
        (
            Command::Unfollow { author },
            format!("you follow {text} no longer"),
        )
    } else {
        let how = if wish.public { "in public" } else { "in private" };
        (
            Command::Follow {
                author,
                public: wish.public,
            },
            format!("you follow {text}, {how}"),
        )
    };
    let (value, _) = client.command(&command)?;
    context.output.answer(&value, line);
    Ok(())
}

fn list(context: &Context) -> Result<(), Failure> {
    let items: Vec<Value> = context.client()?.all("/follows")?;
    context.output.object(&json!({ "items": items }));
    let mut table = Table::new(&["who", "since", "said"]);
    for item in items {
        let followed: Followed = crate::client::shaped("/follows", item)?;
        table.row([
            person(followed.name.as_deref(), &followed.author),
            followed.since.map(moment).unwrap_or_default(),
            if followed.public {
                "in public"
            } else {
                "in private"
            }
            .to_owned(),
        ]);
    }
    if table.is_empty() {
        context
            .output
            .line("you follow nobody yet; `souk follow AUTHOR` changes that");
    } else {
        context.output.table(&table);
    }
    Ok(())
}
