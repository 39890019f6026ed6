//! The readable side of a listing: typed records, and how they become fields and come back.
//!
//! Reading never fails. A field that is missing or has another type than expected reads as absent:
//! it may be a newer program's, or a careless one's, and one bad field must not hide a shop. Absent
//! fields take the plainest meaning (no text, zero, not published, not tracked), and that meaning is
//! written as null, so that a plain listing is small.

use super::media::{Media, MediaKey, short_hash};
use super::{FieldKey, FieldName, Fields, ListingError, Value};
use crate::id::{ListingId, VariantId};
use crate::limits::{LISTING_MEDIA_MAX, LISTING_OPTIONS_MAX, LISTING_TAGS_MAX, RETURNS_DAYS_MAX};
use crate::money::{Amount, Currency};
use crate::text::{List, Name, Prose, Tag, Text};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What kind of thing a listing sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A thing that is handed over or shipped.
    #[default]
    Physical,
    /// A file or a right.
    Digital,
    /// Work that is done.
    Service,
}

impl Kind {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Physical => "physical",
            Self::Digital => "digital",
            Self::Service => "service",
        }
    }
    fn read(text: &str) -> Self {
        match text {
            "digital" => Self::Digital,
            "service" => Self::Service,
            _ => Self::Physical,
        }
    }
}

/// What a listing says as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Product {
    /// The shop's own name for it, from which the listing's id was made.
    pub handle: Name,
    /// What it is called.
    pub title: Name,
    /// What it is like.
    pub description: Prose,
    /// Who makes it.
    pub vendor: Name,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Where it belongs.
    pub category: Name,
    /// Words to find it by.
    pub tags: BTreeSet<Tag>,
    /// Names of its options (size, colour, …), in the order of the variants' values.
    pub options: List<Name, LISTING_OPTIONS_MAX>,
    /// Pictures, by position.
    pub media: Vec<Media>,
    /// The shop's shipping profile for it; empty for the shop's first one.
    pub shipping: Name,
    /// Days to send it back in, if other than the shop's.
    pub returns_days: Option<u16>,
    /// Terms of its own, in words.
    pub policy: Prose,
    /// Whether strangers may see and buy it.
    pub published: bool,
}

/// One choice of a product's options: what is bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The variant.
    pub id: VariantId,
    /// Values of the product's options, in their order.
    pub options: List<Name, LISTING_OPTIONS_MAX>,
    /// What it costs; without a price it cannot be bought.
    pub price: Option<Amount>,
    /// What it cost before.
    pub compare_at: Option<Amount>,
    /// The shop's stock-keeping code.
    pub sku: Name,
    /// Its bar code (EAN, UPC, ISBN).
    pub barcode: Name,
    /// Weight in grams.
    pub weight_grams: u32,
    /// Whether it has to be sent.
    pub requires_shipping: bool,
    /// Whether units of it are counted (`stock`).
    pub tracked: bool,
    /// Whether it may be sold when none is left.
    pub oversell: bool,
    /// The picture that shows it.
    pub media: Option<MediaKey>,
    /// Its place among the variants, lowest first.
    pub position: u32,
}

impl Variant {
    /// A variant of which nothing is said yet.
    pub fn new(id: VariantId) -> Self {
        Self {
            id,
            options: List::default(),
            price: None,
            compare_at: None,
            sku: Name::default(),
            barcode: Name::default(),
            weight_grams: 0,
            requires_shipping: false,
            tracked: false,
            oversell: false,
            media: None,
            position: 0,
        }
    }

    /// Whether it has a price at which it can be sold.
    pub fn is_sellable(&self) -> bool {
        self.price.is_some_and(|price| price.minor >= 0)
    }
}

/// A listing as a person or a program reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The listing.
    pub id: ListingId,
    /// What it says as a whole.
    pub product: Product,
    /// What can be chosen, by position; removed variants are left out.
    pub variants: Vec<Variant>,
    /// Whether the shop took it away.
    pub removed: bool,
}

impl Listing {
    /// Reads the fields of a listing.
    pub fn read(id: ListingId, fields: &Fields) -> Self {
        let mut product = Reader::default();
        let mut variants: BTreeMap<VariantId, Reader<'_>> = BTreeMap::new();
        let kept = fields.variants();
        for (key, _, value) in fields.iter().filter(|(.., value)| !value.is_null()) {
            match key.variant {
                None => product.0.insert(key.name.as_str(), value),
                Some(id) if kept.contains(&id) => {
                    variants.entry(id).or_default().0.insert(key.name.as_str(), value)
                }
                Some(_) => None,
            };
        }
        let mut variants: Vec<_> = variants
            .into_iter()
            .filter(|(_, reader)| !reader.truth("removed"))
            .map(|(id, reader)| reader.variant(id))
            .collect();
        variants.sort_by_key(|variant| (variant.position, variant.id));
        Self {
            id,
            removed: product.truth("removed"),
            product: product.product(),
            variants,
        }
    }

    /// Whether strangers may buy it: published, not removed, and some variant has a price.
    pub fn is_for_sale(&self) -> bool {
        self.product.published && !self.removed && self.variants.iter().any(Variant::is_sellable)
    }
    /// One of its variants.
    pub fn variant(&self, id: &VariantId) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.id == *id)
    }
}

/// The fields of one record by name.
#[derive(Default)]
struct Reader<'a>(BTreeMap<&'a str, &'a Value>);

impl Reader<'_> {
    fn text<const MAX: usize>(&self, name: &str) -> Text<MAX> {
        let text = self.0.get(name).and_then(|value| value.as_text());
        text.map(Text::fitted).unwrap_or_default()
    }
    fn number<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        T::try_from(self.0.get(name)?.as_int()?).ok()
    }
    fn truth(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.is_true())
    }
    fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.as_text()?.parse().ok()
    }
    fn amount(&self, name: &str) -> Option<Amount> {
        read_amount(self.0.get(name)?.as_text()?)
    }

    /// Texts of `option1` … up to the last one that is there.
    fn options(&self) -> List<Name, LISTING_OPTIONS_MAX> {
        let mut options: Vec<Name> = (1..=LISTING_OPTIONS_MAX)
            .map(|n| self.text(&format!("option{n}")))
            .collect();
        while options.last().is_some_and(Name::is_empty) {
            options.pop();
        }
        List::new(options).unwrap_or_default()
    }

    fn product(&self) -> Product {
        Product {
            handle: self.text("handle"),
            title: self.text("title"),
            description: self.text("description"),
            vendor: self.text("vendor"),
            kind: self
                .0
                .get("kind")
                .and_then(|v| v.as_text())
                .map_or(Kind::Physical, Kind::read),
            category: self.text("category"),
            tags: self.tags(),
            options: self.options(),
            media: self.media(),
            shipping: self.text("shipping"),
            returns_days: self
                .number("returns_days")
                .filter(|days| *days <= RETURNS_DAYS_MAX),
            policy: self.text("policy"),
            published: self.truth("published"),
        }
    }

    fn variant(&self, id: VariantId) -> Variant {
        Variant {
            id,
            options: self.options(),
            price: self.amount("price"),
            compare_at: self.amount("compare_at"),
            sku: self.text("sku"),
            barcode: self.text("barcode"),
            weight_grams: self.number("weight_grams").unwrap_or(0),
            requires_shipping: self.truth("requires_shipping"),
            tracked: self.truth("tracked"),
            oversell: self.truth("oversell"),
            media: self.parsed("media"),
            position: self.number("position").unwrap_or(0),
        }
    }

    fn tags(&self) -> BTreeSet<Tag> {
        let tags = self.0.iter().filter(|(name, _)| name.starts_with("tag."));
        let tags = tags.filter_map(|(_, value)| Tag::new(value.as_text()?).ok());
        tags.filter(|tag| !tag.is_empty())
            .take(LISTING_TAGS_MAX)
            .collect()
    }

    fn media(&self) -> Vec<Media> {
        let keys: BTreeSet<MediaKey> = self
            .0
            .keys()
            .filter_map(|name| name.strip_prefix("media.")?.split_once('.')?.0.parse().ok())
            .collect();
        let media = keys.into_iter().map(|key| Media {
            key,
            id: self.parsed(&format!("media.{key}.id")),
            source: self.text(&format!("media.{key}.source")),
            alt: self.text(&format!("media.{key}.alt")),
            position: self.number(&format!("media.{key}.position")).unwrap_or(0),
        });
        // One that is nowhere to be had was removed while another device described it.
        let media = media.filter(|media| media.id.is_some() || !media.source.is_empty());
        let mut media: Vec<_> = media.take(LISTING_MEDIA_MAX).collect();
        media.sort_by_key(|media| (media.position, media.key));
        media
    }
}

/// A price is one scalar, minor units and currency, so that two edits of it cannot end as the number
/// of one and the currency of the other: `4299 EUR`.
fn read_amount(text: &str) -> Option<Amount> {
    let (minor, currency) = text.split_once(' ')?;
    let number: i64 = minor.parse().ok()?;
    let currency: Currency = currency.parse().ok()?;
    // One way to write a number: no plus sign, no leading zeros.
    Amount::new(number, currency)
        .ok()
        .filter(|_| number.to_string() == minor)
}

/// Collects fields of one record.
struct Writer(Vec<(FieldName, Value)>);

impl Writer {
    fn put(&mut self, name: impl Into<String>, value: Value) {
        self.0.push((FieldName::known(name), value));
    }
    fn text<const MAX: usize>(
        &mut self,
        name: impl Into<String>,
        text: &Text<MAX>,
    ) -> Result<(), ListingError> {
        let value = Value::text(text.as_str())?;
        self.put(name, value);
        Ok(())
    }
    fn number(&mut self, name: impl Into<String>, number: u32) {
        let value = match number {
            0 => Value::Null,
            _ => Value::Int(i64::from(number)),
        };
        self.put(name, value);
    }
    fn truth(&mut self, name: impl Into<String>, truth: bool) {
        let value = if truth { Value::Bool(true) } else { Value::Null };
        self.put(name, value);
    }
    fn shown(&mut self, name: impl Into<String>, item: Option<impl ToString>) -> Result<(), ListingError> {
        let value = match item {
            Some(item) => Value::text(&item.to_string())?,
            None => Value::Null,
        };
        self.put(name, value);
        Ok(())
    }
    fn amount(&mut self, name: impl Into<String>, amount: Option<Amount>) -> Result<(), ListingError> {
        self.shown(
            name,
            amount.map(|amount| format!("{} {}", amount.minor, amount.currency)),
        )
    }
    fn options(&mut self, options: &[Name]) -> Result<(), ListingError> {
        for n in 0..LISTING_OPTIONS_MAX {
            let text = options.get(n).cloned().unwrap_or_default();
            self.text(format!("option{}", n + 1), &text)?;
        }
        Ok(())
    }
}

impl Product {
    /// Every field of the record with its value, null where there is nothing: what an edit of the
    /// whole record writes. Tags and pictures that are no longer there are not among them; a field
    /// set is asked for those ([`Product::leftovers`]).
    ///
    /// # Errors
    /// Too many tags or pictures.
    pub fn fields(&self) -> Result<Vec<(FieldName, Value)>, ListingError> {
        if self.tags.len() > LISTING_TAGS_MAX {
            return Err(ListingError::TooManyTags(self.tags.len()));
        }
        if self.media.len() > LISTING_MEDIA_MAX {
            return Err(ListingError::TooManyMedia(self.media.len()));
        }
        let mut out = Writer(Vec::new());
        out.text("handle", &self.handle)?;
        out.text("title", &self.title)?;
        out.text("description", &self.description)?;
        out.text("vendor", &self.vendor)?;
        out.shown("kind", (self.kind != Kind::Physical).then(|| self.kind.as_str()))?;
        out.text("category", &self.category)?;
        out.options(&self.options)?;
        out.text("shipping", &self.shipping)?;
        let days = self
            .returns_days
            .map_or(Value::Null, |days| Value::Int(i64::from(days)));
        out.put("returns_days", days);
        out.text("policy", &self.policy)?;
        out.truth("published", self.published);
        out.truth("removed", false);
        for tag in &self.tags {
            out.text(tag_name(tag), tag)?;
        }
        for media in &self.media {
            let key = media.key;
            out.shown(format!("media.{key}.id"), media.id)?;
            out.text(format!("media.{key}.source"), &media.source)?;
            out.text(format!("media.{key}.alt"), &media.alt)?;
            out.number(format!("media.{key}.position"), media.position);
        }
        Ok(out.0)
    }

    /// Which of some names belong to tags or pictures that this record no longer has.
    pub fn leftovers<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let tags: BTreeSet<String> = self.tags.iter().map(tag_name).collect();
        let media: BTreeSet<String> = self.media.iter().map(|media| media.key.to_string()).collect();
        names
            .filter(|name| match name.split_once('.') {
                Some(("tag", _)) => !tags.contains(*name),
                Some(("media", rest)) => !media.contains(rest.split_once('.').map_or(rest, |(key, _)| key)),
                _ => false,
            })
            .collect()
    }
}

/// Every tag is a field of its own, named by a hash of it: tags that two devices add at once both
/// stay, and adding one twice is one tag.
fn tag_name(tag: &Tag) -> String {
    format!(
        "tag.{:016x}",
        u64::from_be_bytes(short_hash(tag.as_str().as_bytes()))
    )
}

impl Variant {
    /// Every field of the record with its value, null where there is nothing.
    ///
    /// # Errors
    /// A text that is too long; the types leave none.
    pub fn fields(&self) -> Result<Vec<(FieldName, Value)>, ListingError> {
        let mut out = Writer(Vec::new());
        out.options(&self.options)?;
        out.amount("price", self.price)?;
        out.amount("compare_at", self.compare_at)?;
        out.text("sku", &self.sku)?;
        out.text("barcode", &self.barcode)?;
        out.number("weight_grams", self.weight_grams);
        out.truth("requires_shipping", self.requires_shipping);
        out.truth("tracked", self.tracked);
        out.truth("oversell", self.oversell);
        out.shown("media", self.media)?;
        out.number("position", self.position);
        out.truth("removed", false);
        Ok(out.0)
    }
}

impl FieldKey {
    /// The field that says whether a listing or variant was removed.
    pub fn removed(variant: Option<VariantId>) -> Self {
        let name = FieldName::known("removed");
        Self { variant, name }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stamp;
    use super::*;
    use crate::id::{DeviceId, MediaId};

    fn stamp(counter: u64) -> Stamp {
        Stamp::new(0, counter, DeviceId::from_bytes([1; 32])).unwrap()
    }

    fn id() -> ListingId {
        ListingId::from_bytes([1; 16])
    }

    fn bracelet() -> Listing {
        let source = "https://example.org/7-chakra-bracelet.jpg";
        let key = MediaKey::of_source(source);
        let names =
            |names: &[&str]| List::new(names.iter().map(|n| Name::new(n).unwrap()).collect()).unwrap();
        let price = |text| Some(Amount::parse(text, Currency::EUR).unwrap());
        let variant = |values: &[&str], position| Variant {
            options: names(values),
            price: price("42.99"),
            compare_at: price("44.99"),
            sku: Name::new("B-7").unwrap(),
            weight_grams: 28,
            requires_shipping: true,
            tracked: true,
            media: Some(key),
            position,
            ..Variant::new(VariantId::of(&id(), values))
        };
        Listing {
            id: id(),
            product: Product {
                handle: Name::new("chain-bracelet").unwrap(),
                title: Name::new("7 Shakra Bracelet").unwrap(),
                description: Prose::new("In blue or black.").unwrap(),
                kind: Kind::Digital,
                tags: ["Beads", "Café"]
                    .iter()
                    .map(|tag| Tag::new(tag).unwrap())
                    .collect(),
                options: names(&["Color"]),
                media: vec![Media {
                    key,
                    id: Some(MediaId::from_bytes([3; 32])),
                    source: Text::new(source).unwrap(),
                    alt: Text::new("seven stones").unwrap(),
                    position: 1,
                }],
                returns_days: Some(0),
                published: true,
                ..Product::default()
            },
            variants: vec![variant(&["Black"], 1), variant(&["Blue"], 2)],
            removed: false,
        }
    }

    fn written(listing: &Listing) -> Fields {
        let mut fields = Fields::new();
        for (name, value) in listing.product.fields().unwrap() {
            fields.set(FieldKey::product(name), stamp(1), value);
        }
        for variant in &listing.variants {
            for (name, value) in variant.fields().unwrap() {
                fields.set(FieldKey::variant(variant.id, name), stamp(1), value);
            }
        }
        fields
    }

    #[test]
    fn a_listing_reads_back_from_its_fields() {
        let fields = written(&bracelet());
        assert_eq!(Listing::read(id(), &fields), bracelet());
        assert!(bracelet().is_for_sale());
        let parts = fields.split(id()).unwrap();
        assert_eq!(Listing::read(id(), &parts[0].fields()), bracelet());
    }

    #[test]
    fn no_fields_read_as_an_empty_listing_that_cannot_be_bought() {
        let empty = Listing::read(id(), &Fields::new());
        assert!(empty.variants.is_empty() && !empty.is_for_sale());
    }

    #[test]
    fn a_field_of_another_type_reads_as_absent() {
        let mut fields = written(&bracelet());
        for (key, stamp, _) in written(&bracelet()).iter() {
            let stamp = Stamp {
                counter: stamp.counter + 1,
                ..*stamp
            };
            fields.set(key.clone(), stamp, Value::Int(-1));
        }
        let listing = Listing::read(id(), &fields);
        assert_eq!(listing.product, Product::default());
        assert_eq!(listing.variants.len(), 2);
        assert!(!listing.variants.iter().any(Variant::is_sellable) && !listing.is_for_sale());
    }

    #[test]
    fn a_price_has_one_way_to_be_written() {
        assert_eq!(
            read_amount("4299 EUR")
                .map(|amount| amount.to_string())
                .as_deref(),
            Some("42.99 EUR")
        );
        for text in [
            "",
            "4299",
            "42.99 EUR",
            "+1 EUR",
            "01 EUR",
            "-0 EUR",
            "1  EUR",
            "1 eur",
            "1 EUR x",
            "9999999999999999 EUR",
        ] {
            assert_eq!(read_amount(text), None, "{text}");
        }
    }

    #[test]
    fn a_removed_variant_is_left_out() {
        let mut fields = written(&bracelet());
        let gone = bracelet().variants[0].id;
        fields.set(FieldKey::removed(Some(gone)), stamp(2), Value::Bool(true));
        let listing = Listing::read(id(), &fields);
        assert_eq!(listing.variants, bracelet().variants[1..]);
        assert_eq!(listing.variant(&gone), None);
    }

    #[test]
    fn leftover_tags_and_pictures_are_found() {
        let fields = bracelet().product.fields().unwrap();
        let names = || fields.iter().map(|(name, _)| name.as_str());
        assert!(bracelet().product.leftovers(names()).is_empty());
        assert_eq!(Product::default().leftovers(names()).len(), 2 + 4);
    }

    #[test]
    fn too_many_tags_or_pictures_are_refused() {
        let mut product = bracelet().product;
        product.tags = (0..251).map(|n| Tag::new(&format!("t{n}")).unwrap()).collect();
        assert_eq!(product.fields(), Err(ListingError::TooManyTags(251)));
        let mut product = bracelet().product;
        product.media = vec![product.media[0].clone(); 251];
        assert_eq!(product.fields(), Err(ListingError::TooManyMedia(251)));
    }
}
