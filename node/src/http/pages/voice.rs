//! How a screen says things to one reader: messages, money and times in their language, names, pictures
//! that are made from ids. The owner's screens and the storefront's speak with it.

use super::words::{self, Lang, args};
use super::{assets, icons, prose};
use fluent_bundle::FluentValue;
use souk_protocol::money::Amount;
use souk_protocol::order::State;
use souk_protocol::shop::Deadlines;
use souk_protocol::text::Name;
use souk_protocol::view::ListingView;

/// Characters of an id that stand for it where there is no name.
const SHORT_ID_CHARS: usize = 16;
/// Hues of pictures that are made from an id.
const HUES: u8 = 12;

/// A reader's language, and when they look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voice {
    pub(super) lang: Lang,
    /// Now, in milliseconds since 1970.
    pub(super) now: u64,
}

impl Voice {
    /// A message.
    pub(super) fn t(&self, key: &str) -> String {
        words::message(self.lang, key, None)
    }
    /// A message with one value in it.
    pub(super) fn t1<'a>(&self, key: &str, name: &'a str, value: impl Into<FluentValue<'a>>) -> String {
        words::message(self.lang, key, Some(&args([(name, value.into())])))
    }
    /// A message with two values in it.
    pub(super) fn t2<'a>(
        &self,
        key: &str,
        name: &'a str,
        value: impl Into<FluentValue<'a>>,
        other: &'a str,
        other_value: impl Into<FluentValue<'a>>,
    ) -> String {
        let args = args([(name, value.into()), (other, other_value.into())]);
        words::message(self.lang, key, Some(&args))
    }

    pub(super) fn lang(&self) -> &'static str {
        self.lang.code()
    }
    pub(super) fn dir(&self) -> &'static str {
        self.lang.dir()
    }

    pub(super) fn money(&self, amount: &Amount) -> String {
        words::money(self.lang, amount)
    }
    pub(super) fn price(&self, listing: &ListingView) -> String {
        price(self, listing)
    }
    /// The message that names what one vouches for.
    pub(super) fn category_key(&self, category: &str) -> String {
        format!("category-{category}")
    }
    /// The message that names a state of an order.
    pub(super) fn state_key(&self, state: &State) -> String {
        format!("state-{}", state.name())
    }
    /// A mean with one digit after the point.
    pub(super) fn tenth(&self, mean: &f64) -> String {
        let text = format!("{mean:.1}");
        if self.lang == Lang::De {
            text.replace('.', ",")
        } else {
            text
        }
    }
    pub(super) fn plain_amount(&self, amount: &Amount) -> String {
        words::plain_amount(amount)
    }
    pub(super) fn size(&self, bytes: &u64) -> String {
        words::size(self.lang, *bytes)
    }
    pub(super) fn ago(&self, ms: &u64) -> String {
        words::ago(self.lang, self.now, *ms)
    }
    pub(super) fn until(&self, ms: &u64) -> String {
        words::until(self.lang, self.now, *ms).unwrap_or_else(|| self.t("in-past"))
    }
    /// What it means when nobody says anything, for each step of an order.
    pub(super) fn silence(&self, deadlines: &Deadlines) -> Vec<String> {
        let said = [
            ("silence-quote", deadlines.quote_ms),
            ("silence-accept", deadlines.accept_ms),
            ("silence-pay", deadlines.pay_ms),
            ("silence-receipt", deadlines.receipt_ms),
            ("silence-fulfil", deadlines.fulfil_ms),
            ("silence-complete", deadlines.complete_ms),
        ];
        said.into_iter()
            .map(|(key, ms)| self.t1(key, "span", words::span(self.lang, ms)))
            .collect()
    }
    pub(super) fn date(&self, ms: &u64) -> String {
        words::date(self.lang, *ms)
    }
    pub(super) fn date_time(&self, ms: &u64) -> String {
        words::date_time(self.lang, *ms)
    }
    pub(super) fn rfc3339(&self, ms: &u64) -> String {
        words::rfc3339(*ms)
    }

    /// Somebody's name; the beginning of their id if they have none.
    pub(super) fn called(&self, name: &Option<Name>, id: &impl ToString) -> String {
        called(name.as_ref(), id)
    }
    pub(super) fn short(&self, id: &impl ToString) -> String {
        short(&id.to_string())
    }

    /// A small picture that is made from a name and an id: the same wherever they are shown, so that a
    /// stranger who takes a friend's name still looks like somebody else.
    pub(super) fn avatar(&self, name: &Option<Name>, id: &impl ToString) -> String {
        figure("avatar", &called(name.as_ref(), id), &id.to_string())
    }
    /// The same for a thing.
    pub(super) fn tile(&self, title: &impl ToString, id: &impl ToString) -> String {
        figure("tile", &title.to_string(), &id.to_string())
    }
    pub(super) fn icon(&self, name: &str) -> String {
        icons::icon(name)
    }
    /// What somebody wrote, as elements.
    pub(super) fn prose(&self, text: &impl ToString) -> String {
        prose::html(&text.to_string())
    }

    /// The address of a file of the pages; it changes when the file does.
    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// A name, or the beginning of an id.
pub(super) fn called(name: Option<&Name>, id: &impl ToString) -> String {
    match name {
        Some(name) if !name.is_empty() => name.as_str().to_owned(),
        _ => short(&id.to_string()),
    }
}

/// What a listing costs: the least that one of its variants does.
fn price(voice: &Voice, listing: &ListingView) -> String {
    let prices = listing.variants.iter().filter_map(|variant| variant.price);
    let (least, most) = (
        prices.clone().min_by_key(|price| price.minor),
        prices.max_by_key(|price| price.minor),
    );
    match (least, most) {
        (Some(least), Some(most)) if least != most => voice.t1("price-from", "price", voice.money(&least)),
        (Some(price), _) => voice.money(&price),
        (None, _) => voice.t("no-price"),
    }
}

fn short(id: &str) -> String {
    let head: String = id.chars().take(SHORT_ID_CHARS).collect();
    format!("{head}…")
}

/// A small picture with the first letter of a name, made from an id.
fn figure(class: &str, name: &str, id: &str) -> String {
    let [hue, pattern @ ..] = *blake3::hash(id.as_bytes()).as_bytes();
    let hue = hue % HUES;
    let mut shape = String::new();
    // A pattern of its own behind the letter: six rows of three places, mirrored.
    for (row, bits) in pattern.into_iter().take(6).enumerate() {
        for column in (0..3).filter(|column| bits >> column & 1 == 1) {
            for x in [column, 5 - column] {
                shape.push_str(&format!("M{} {}h8v8h-8z", x * 8, row * 8));
            }
        }
    }
    let letter = name.chars().next().unwrap_or('·').to_uppercase().to_string();
    let mut shown = String::new();
    html_escape::encode_text_to_string(&letter, &mut shown);
    format!(
        r#"<span class="{class} hue-{hue}" aria-hidden="true"><svg viewBox="0 0 48 48"><path d="{shape}"/></svg><b>{shown}</b></span>"#
    )
}
