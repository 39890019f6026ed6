//! The JSON shapes of the API, written as one would explain them, and made into schemas.
//!
//! `text`, `int`, `number`, `bool` and `any` are what they say; a capital letter names another shape; `[x]`
//! is a list, `<x>` an object with any names, `{a: x, b?: y}` one with these (`?`: may be left out), `x|null`
//! may be null, `'a'|'b'` is one of these texts. The tests hold real answers against them.

use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

/// Every shape, by name.
pub(super) const SHAPES: &[(&str, &str)] = &[
    ("Error", "{error: {code: text, message: text, next: text}}"),
    ("Amount", "{minor: int, currency: text}"),
    ("Named", "{author: text, name: text|null}"),
    (
        "Status",
        "{version: text, author: text, device: text, name: text|null, home: text, api: text, listen: [text], \
         peers: [Peer], follows: int, store_bytes: int, shop: {currency: text, listings: int}|null, past: text|null, \
         phones: {on: bool, addresses: [text], paired: int}}",
    ),
    (
        "Peer",
        "{device: text, author: text|null, name: text|null, address: text, transport: text, rtt_ms: int|null}",
    ),
    (
        "Profile",
        "{author: text, name: text|null, about: text, followed: bool, vouched_by: [Named], equivocated: bool}",
    ),
    (
        "Follow",
        "{author: text, name: text|null, public: bool, since: int}",
    ),
    ("Follows", "{items: [Follow], next?: text}"),
    ("Why", "{because: 'yours'|'you_follow', author?: text}"),
    ("Tag", "{shop: text, id: text, listing: Listing|null}"),
    (
        "Entry",
        "{id: text, author: text, name: text|null, time: int, kind: 'post'|'vouch'|'review', body: any, why: Why, \
         equivocated: bool, replies: int, reactions: <int>, tags: [Tag]}",
    ),
    ("Feed", "{items: [Entry], next?: text}"),
    (
        "Post",
        "{id: text, author: text, name: text|null, time: int, kind: 'post'|'vouch'|'review', body: any, why: Why, \
         equivocated: bool, replies: int, reactions: <int>, tags: [Tag], answers: [Entry]}",
    ),
    ("Address", "{name: text, lines: [text], country: text}"),
    ("Addresses", "{items: [Address], next?: text}"),
    ("Draft", "{name: text, text: text}"),
    ("Drafts", "{items: [Draft], next?: text}"),
    (
        "Shop",
        "{author: text, name: text|null, currency: text, listings: int, shipping: [{name: text, zones: [{places: \
         [text], base: Amount, per_kg: Amount, free_from: Amount|null}]}], returns_days: int, returns: text, terms: \
         text, deadlines: {quote_ms: int, accept_ms: int, pay_ms: int, receipt_ms: int, fulfil_ms: int, complete_ms: \
         int}}",
    ),
    (
        "Variant",
        "{variant: text, label: text, options: [text], sku: text, price: Amount|null, compare_at: Amount|null, \
         weight_grams: int, requires_shipping: bool, available: int|null, \
         counted: int|null}",
    ),
    (
        "Listing",
        "{shop: text, listing: text, handle: text, title: text, description: text, vendor: text, category: text, \
         kind: 'physical'|'digital'|'service', tags: [text], options: [text], images: [{url: text, alt: text}], \
         published: bool, updated: int, sold_out: bool, variants: [Variant], rating: {count: int, mean: number}|null}",
    ),
    ("Listings", "{items: [Listing], next?: text}"),
    ("Facet", "{value: text, count: int}"),
    (
        "Found",
        "{items: [Listing], total: int, corrected: bool, facets: {categories: [Facet], kinds: [Facet], vendors: \
         [Facet]}}",
    ),
    (
        "Review",
        "{id: text, author: text, name: text|null, rating: int, text: text, time: int, you_follow: bool, bought: bool}",
    ),
    ("Reviews", "{items: [Review], next?: text}"),
    (
        "Line",
        "{listing: text, variant: text, title: text, label: text, units: int, unit: Amount|null, total: Amount|null}",
    ),
    (
        "Order",
        "{order: text, state: text, you: 'buyer'|'merchant', buyer: text, merchant: text, name: text|null, equivocated: bool, \
         opened: int, lines: [Line], shipping: Amount|null, total: Amount|null, rails: [text], rail: text|null, expires: int|null, \
         country: text, address: [text], note: text, deadline: {at: int, who: text, then: text}|null, next: [text], \
         history: [{id: text, time: int, by: text, act: text}], receipt: {verified: bool, public: [{listing: text, \
         verified: bool}]}|null, tracking: {carrier: text, number: text}|null, instruction: {rail: 'tab'|'manual', \
         tab?: text, words?: text, reference?: text}|null, reason: text|null, refund_due: bool}",
    ),
    ("Orders", "{items: [Order], next?: text}"),
    (
        "Tab",
        "{tab: text, with: text, name: text|null, currency: text, balance_minor: int, you_owe_minor: int, \
         limit_you_gave_minor: int, limit_they_gave_minor: int, room_minor: int, seq: int, state: text, pending: bool, \
         history?: [{seq: int, change: text, by: text, amount_minor: int, order: text|null, time: int}]}",
    ),
    ("Tabs", "{items: [Tab], next?: text}"),
    (
        "Device",
        "{device: text, name: text, this: bool, primary: bool, connected: bool, since: int|null}",
    ),
    (
        "Devices",
        "{items: [Device], together: bool, revoked: bool, asks: {device: text, name: text, words: text}|null, ends: \
         int|null}",
    ),
    ("Command", "{do: text}"),
    (
        "Reply",
        "{done: 'done'|'said'|'order'|'tab'|'imported'|'invited'|'device', code?: text, ends?: int, device?: text, id?: text, order?: text, state?: text, tab?: text, vouched_by?: \
         [text], new?: int, changed?: int, same?: int}",
    ),
    ("Dial", "{address: text}"),
    ("Dialled", "{device: text, author: text|null}"),
    ("Link", "{url: text}"),
    ("Stopping", "{stopping: bool}"),
    ("OpenApi", "any"),
    (
        "ImportLine",
        "{progress?: {listings: int, of: int}, done?: {listings_in_file: int, variants_in_file: int, new: int, changed: \
         int, same: int, warnings: [text]}, error?: {code: text, message: text, next: text}}",
    ),
    ("Event", "{number: int, at: int, what: any}"),
];

/// The schema that a shape's text means, or what in the text is no shape.
pub(super) fn schema(shape: &str) -> Result<RefOr<Schema>, String> {
    let mut text = Text(shape);
    let schema = text.shape()?;
    match text.0.trim_start() {
        "" => Ok(schema),
        rest => Err(format!("more than a shape: {rest}")),
    }
}

/// What is left to read of a shape's text.
struct Text<'a>(&'a str);

impl Text<'_> {
    fn takes(&mut self, token: char) -> bool {
        let rest = self.0.trim_start();
        match rest.strip_prefix(token) {
            Some(after) => {
                self.0 = after;
                true
            }
            None => false,
        }
    }

    fn needs(&mut self, token: char) -> Result<(), String> {
        if self.takes(token) {
            Ok(())
        } else {
            Err(format!("expected '{token}' at '{}'", self.0))
        }
    }

    fn word(&mut self) -> Result<String, String> {
        let rest = self.0.trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.0 = after;
        if word.is_empty() {
            Err(format!("expected a word at '{rest}'"))
        } else {
            Ok(word.to_owned())
        }
    }

    fn shape(&mut self) -> Result<RefOr<Schema>, String> {
        let first = self.one()?;
        match self.takes('|') {
            false => Ok(first),
            true if self.word()? == "null" => {
                let null = ObjectBuilder::new().schema_type(SchemaType::new(Type::Null));
                Ok(OneOfBuilder::new().item(first).item(Schema::from(null)).into())
            }
            true => Err(format!("expected 'null' before '{}'", self.0)),
        }
    }

    fn one(&mut self) -> Result<RefOr<Schema>, String> {
        if self.takes('[') {
            let items = self.shape()?;
            self.needs(']')?;
            return Ok(ArrayBuilder::new().items(items).into());
        }
        if self.takes('<') {
            let values = self.shape()?;
            self.needs('>')?;
            return Ok(ObjectBuilder::new()
                .additional_properties(Some(AdditionalProperties::RefOr(values)))
                .into());
        }
        if self.takes('{') {
            return self.object();
        }
        if self.takes('\'') {
            return self.texts();
        }
        let word = self.word()?;
        let kind = match word.as_str() {
            "text" => Type::String,
            "int" => Type::Integer,
            "number" => Type::Number,
            "bool" => Type::Boolean,
            "any" => return Ok(Schema::from(ObjectBuilder::new().schema_type(SchemaType::AnyValue)).into()),
            name if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
                return Ok(Ref::from_schema_name(name).into());
            }
            other => return Err(format!("'{other}' is no shape")),
        };
        Ok(Schema::from(ObjectBuilder::new().schema_type(SchemaType::new(kind))).into())
    }

    fn object(&mut self) -> Result<RefOr<Schema>, String> {
        let mut object = ObjectBuilder::new();
        loop {
            let name = self.word()?;
            if !self.takes('?') {
                object = object.required(&name);
            }
            self.needs(':')?;
            object = object.property(&name, self.shape()?);
            if !self.takes(',') {
                self.needs('}')?;
                return Ok(Schema::from(object).into());
            }
        }
    }

    /// One of some texts; the first quote is read already.
    fn texts(&mut self) -> Result<RefOr<Schema>, String> {
        let mut texts = Vec::new();
        loop {
            texts.push(self.word()?);
            self.needs('\'')?;
            if !(self.takes('|') && self.takes('\'')) {
                let object = ObjectBuilder::new()
                    .schema_type(SchemaType::new(Type::String))
                    .enum_values(Some(texts));
                return Ok(Schema::from(object).into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_one_and_every_name_is_a_shape() {
        for (name, shape) in SHAPES {
            let schema = schema(shape).unwrap_or_else(|error| panic!("{name}: {error}"));
            let text = serde_json::to_string(&schema).unwrap();
            for reference in text.split("#/components/schemas/").skip(1) {
                let named = reference.split('"').next().unwrap();
                assert!(
                    SHAPES.iter().any(|(name, _)| *name == named),
                    "{name} names {named}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_shape_is_told() {
        for bad in [
            "",
            "{",
            "{a: text",
            "{a text}",
            "[text",
            "text|",
            "text|int",
            "texts",
            "text text",
            "'a",
        ] {
            assert!(schema(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_shape_means_its_schema() {
        let schema = schema("{a: [int], b?: 'x'|'y', c: text|null, d: <Amount>}").unwrap();
        let expected = serde_json::json!({
            "type": "object",
            "required": ["a", "c", "d"],
            "properties": {
                "a": {"type": "array", "items": {"type": "integer"}},
                "b": {"type": "string", "enum": ["x", "y"]},
                "c": {"oneOf": [{"type": "string"}, {"type": "null"}]},
                "d": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Amount"}},
            },
        });
        assert_eq!(serde_json::to_value(schema).unwrap(), expected);
    }
}
