//! The flat keys of a document: `l/<listing>/<field>` and `v/<listing>/<variant>/<field>`, ids in
//! base64url, which is short and has no slash.

use crate::id::{ListingId, VariantId};
use crate::listing::{FieldKey, FieldName};
use data_encoding::BASE64URL_NOPAD;
use std::ops::Range;

/// The key of a field.
pub(super) fn key(listing: &ListingId, field: &FieldKey) -> String {
    let name = field.name.as_str();
    match &field.variant {
        None => format!("{}{name}", product_prefix(listing)),
        Some(variant) => format!("{}{name}", variant_prefix(listing, variant)),
    }
}

/// What a key means, if it is one of ours in its one form.
pub(super) fn parse(text: &str) -> Option<(ListingId, FieldKey)> {
    let (kind, rest) = text.split_once('/')?;
    let (listing, rest) = rest.split_once('/')?;
    let listing = ListingId::from_slice(&BASE64URL_NOPAD.decode(listing.as_bytes()).ok()?).ok()?;
    let (variant, name) = match kind {
        "l" => (None, rest),
        "v" => {
            let (variant, name) = rest.split_once('/')?;
            let variant = BASE64URL_NOPAD.decode(variant.as_bytes()).ok()?;
            (Some(VariantId::from_slice(&variant).ok()?), name)
        }
        _ => return None,
    };
    let name = FieldName::new(name).ok()?;
    Some((listing, FieldKey { variant, name }))
}

/// All keys of a listing: those of the product, and those of its variants.
pub(super) fn ranges(listing: &ListingId) -> [Range<String>; 2] {
    let variants = format!("v/{}/", BASE64URL_NOPAD.encode(listing.as_bytes()));
    [within(product_prefix(listing)), within(variants)]
}

/// All keys of a listing's product.
pub(super) fn product_range(listing: &ListingId) -> Range<String> {
    within(product_prefix(listing))
}

/// All keys of a variant.
pub(super) fn variant_range(listing: &ListingId, variant: &VariantId) -> Range<String> {
    within(variant_prefix(listing, variant))
}

fn product_prefix(listing: &ListingId) -> String {
    format!("l/{}/", BASE64URL_NOPAD.encode(listing.as_bytes()))
}

fn variant_prefix(listing: &ListingId, variant: &VariantId) -> String {
    let listing = BASE64URL_NOPAD.encode(listing.as_bytes());
    format!("v/{listing}/{}/", BASE64URL_NOPAD.encode(variant.as_bytes()))
}

/// Everything that starts with a prefix that ends in a slash: up to the next character, the zero.
fn within(prefix: String) -> Range<String> {
    let end = format!("{}0", prefix.trim_end_matches('/'));
    prefix..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_reads_back_and_lies_in_its_range(
            listing: [u8; 16], variant: Option<[u8; 8]>, name in "[a-z0-9._-]{1,64}"
        ) {
            let listing = ListingId::from_bytes(listing);
            let name = FieldName::new(&name).unwrap();
            let field = FieldKey { variant: variant.map(VariantId::from_bytes), name };
            let text = key(&listing, &field);
            prop_assert_eq!(parse(&text), Some((listing, field.clone())));
            prop_assert!(ranges(&listing).iter().any(|range| range.contains(&text)));
            prop_assert_eq!(product_range(&listing).contains(&text), variant.is_none());
            if let Some(variant) = field.variant {
                prop_assert!(variant_range(&listing, &variant).contains(&text));
            }
        }
    }

    #[test]
    fn other_keys_mean_nothing() {
        let id = BASE64URL_NOPAD.encode(&[1; 16]);
        assert!(parse(&format!("l/{id}/title")).is_some());
        for text in [
            "".to_owned(),
            "l".to_owned(),
            format!("l/{id}"),
            format!("l/{id}/"),
            format!("l/{id}/a/b"),
            format!("x/{id}/title"),
            format!("v/{id}/title"),
            format!("v/{id}/{id}/title"),
            format!("l/{id}=/title"),
            format!("l/{}9/title", &id[..21]),
        ] {
            assert_eq!(parse(&text), None, "{text}");
        }
    }
}
