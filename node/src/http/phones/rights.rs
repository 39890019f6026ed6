//! What a phone may ask for and have done. A phone lies about in cafés and is lent to children: it buys,
//! posts and sells, but it does not see the words that are the identity, lets nobody in, throws nobody
//! out, and neither copies nor stops the node. What is not named here is refused, so that a screen that is
//! new stays closed until somebody decided.

use souk_protocol::api::Command;

/// Paths with everything below them.
const WITH_ALL_BELOW: [&str; 21] = [
    "/posts",
    "/explore",
    "/shops",
    "/bag",
    "/orders",
    "/money",
    "/people",
    "/shop",
    "/assets",
    "/api/v1/profiles",
    "/api/v1/follows",
    "/api/v1/feed",
    "/api/v1/posts",
    "/api/v1/search",
    "/api/v1/shops",
    "/api/v1/shop",
    "/api/v1/orders",
    "/api/v1/tabs",
    "/api/v1/addresses",
    "/api/v1/drafts",
    "/api/v1/events",
];

/// Paths without what is below them.
const ALONE: [&str; 15] = [
    "/",
    "/act",
    "/welcome",
    "/network",
    "/notices",
    "/more",
    "/settings",
    "/settings/privacy",
    "/settings/addresses",
    "/settings/look",
    "/settings/limits",
    "/api/v1/commands",
    "/api/v1/peers",
    "/api/v1/status",
    "/api/v1/openapi.json",
];

/// Areas of the forms.
const AREAS: [&str; 7] = ["talk", "market", "bag", "orders", "money", "people", "shop"];
/// Forms of the node's own screens.
const FORMS: [&str; 6] = [
    "node.profile",
    "node.follow",
    "node.welcomed",
    "node.dial",
    "node.address",
    "node.look",
];
/// Drafts in which the pages remember what the owner did at the computer.
const PAGES_DRAFTS: &str = "page/";

/// Whether a phone may ask for a path; what follows `?` or `#` does not matter.
pub(in super::super) fn may_ask(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let below = |whole: &&str| {
        path.strip_prefix(*whole)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ALONE.contains(&path) || WITH_ALL_BELOW.iter().any(below)
}

/// Whether a phone may send a form that asks for this.
pub(in super::super) fn may_act(act: &str) -> bool {
    let (area, _) = act.split_once('.').unwrap_or_default();
    AREAS.contains(&area) || FORMS.contains(&act)
}

/// Whether a phone may give a command.
pub(in super::super) fn may_command(command: &Command) -> bool {
    match command {
        Command::InviteDevice { .. }
        | Command::ConfirmDevice { .. }
        | Command::CloseInvitation
        | Command::RevokeDevice { .. } => false,
        Command::SaveDraft { name, .. } => !name.starts_with(PAGES_DRAFTS),
        Command::SetProfile { .. }
        | Command::Follow { .. }
        | Command::Unfollow { .. }
        | Command::Post { .. }
        | Command::React { .. }
        | Command::Vouch { .. }
        | Command::Review { .. }
        | Command::SetShop(_)
        | Command::ImportListings { .. }
        | Command::EditListing { .. }
        | Command::SetStock { .. }
        | Command::AskQuote { .. }
        | Command::PlaceOrder { .. }
        | Command::AcceptOrder { .. }
        | Command::DeclineOrder { .. }
        | Command::CancelOrder { .. }
        | Command::PayOrder { .. }
        | Command::PaymentArrived { .. }
        | Command::ShipOrder { .. }
        | Command::CompleteOrder { .. }
        | Command::LapseOrder { .. }
        | Command::GrantTab { .. }
        | Command::SaveAddress { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_refused() {
        for path in [
            "/",
            "/posts/x",
            "/orders?after=1",
            "/settings",
            "/settings/look",
            "/shop/import/1",
            "/api/v1/events?after=0",
            "/api/v1/shops/me/listings",
        ] {
            assert!(may_ask(path), "{path}");
        }
        for path in [
            "",
            "//",
            "/login",
            "/metrics",
            "/healthz",
            "/pair/x",
            "/postsx",
            "/settings/",
            "/settings/words",
            "/welcome/words",
            "/settings/devices",
            "/settings/devices/invite",
            "/settings/backup/file",
            "/settings/access?x",
            "/settings/new",
            "/api/v1/backup",
            "/api/v1/stop",
            "/api/v1/login-links",
            "/api/v1/devices",
            "/api/v1/commands/x",
            "/api/v2/feed",
        ] {
            assert!(!may_ask(path), "{path}");
        }
        for act in ["talk.post", "orders.place", "node.look"] {
            assert!(may_act(act), "{act}");
        }
        for act in [
            "",
            "talk",
            "node.",
            "node.revoke",
            "node.confirm-device",
            "node.close-invitation",
            "node.words-confirmed",
            "node.phones",
            "node.phone-out",
            "new.thing",
        ] {
            assert!(!may_act(act), "{act}");
        }
    }

    #[test]
    fn nobody_is_let_in_or_thrown_out_from_a_phone() {
        assert!(!may_command(&Command::CloseInvitation));
        assert!(!may_command(&Command::InviteDevice {
            addresses: Vec::new()
        }));
        assert!(!may_command(&Command::ConfirmDevice { words: String::new() }));
        let draft = |name: &str| Command::SaveDraft {
            name: name.into(),
            text: "yes".into(),
        };
        assert!(!may_command(&draft("page/words-confirmed")));
        assert!(may_command(&draft("post")));
    }
}
