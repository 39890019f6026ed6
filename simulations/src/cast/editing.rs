//! What owners edit in their shops: a little at a time, on whichever of their devices is at hand.

use super::*;

/// What descriptions are made of.
const WORDS: &[&str] = &[
    "made", "by", "hand", "from", "local", "oak", "and", "steel", "with", "a", "soft", "green", "finish",
    "that", "lasts", "for", "years", "in", "every", "kitchen", "washable", "light", "sturdy", "returns",
    "welcome",
];

impl View<'_> {
    /// One edit of the owner's shop: a price, a title, a description, the stock, whether it is shown, or the
    /// whole listing again from a file that may also have a new one.
    pub fn edit(&self, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        let Some(person) = self.person().filter(|person| person.sells) else {
            return Ok(None);
        };
        let kind = chance.below(100);
        let most = self.scenario.shop.listings_max;
        if kind < 5 {
            let draft = product(self.scenario, chance.below(most), chance);
            let products = vec![self.counted_as_before(person, draft)?];
            return Ok(Some(Command::ImportListings { products }));
        }
        let known = usize::try_from(most).unwrap_or(usize::MAX);
        let listings = market::listing_ids(self.records, &person.author, None, known)?;
        let Some(id) = chance.pick(&listings).copied() else {
            return Ok(None);
        };
        let listing = market::listing(self.records, &person.author, &id)?;
        let variants = listing.map(|listing| listing.variants).unwrap_or_default();
        let Some(variant) = chance.pick(&variants) else {
            return Ok(None);
        };
        if kind < 25 {
            let units = chance.below(self.scenario.shop.units_max * 2);
            let count = Command::SetStock {
                listing: id,
                variant: Some(variant.id),
                units: variant.tracked.then_some(units),
            };
            return Ok((!self.is_rushed(&id)).then_some(count));
        }
        let (mut title, mut description, mut published) = (None, None, None);
        let mut prices = BTreeMap::new();
        match kind {
            25..65 => {
                let minor = chance.between(1, self.scenario.shop.price_minor_max);
                let price = Amount {
                    minor: i64::try_from(minor).unwrap_or(1),
                    currency: Currency::EUR,
                };
                prices.insert(variant.id, price);
            }
            65..80 => title = Some(format!("Product of {}", self.now.0)),
            80..95 => {
                let words = 0..chance.between(5, 120);
                let words = words.filter_map(|_| chance.pick(WORDS).copied());
                description = Some(words.collect::<Vec<_>>().join(" "));
            }
            _ => published = Some(chance.in_thousand(500)),
        }
        Ok(Some(Command::EditListing(ListingEdit {
            title,
            description,
            prices,
            published,
            ..ListingEdit::of(id)
        })))
    }

    /// A product of a file in which what is counted stays counted, and what is not is not: who begins to count
    /// while somebody was promised units has to see for themselves that they are there.
    fn counted_as_before(&self, person: &Person, mut draft: ProductDraft) -> Result<ProductDraft, Fault> {
        let id = ListingId::of(&person.author, &draft.handle);
        let listing = market::listing(self.records, &person.author, &id)?;
        for variant in &mut draft.variants {
            let own = VariantId::of(&id, &variant.options);
            let known = listing.as_ref().and_then(|listing| listing.variant(&own));
            // What is new is counted or not on all devices alike, though they may not know of each other's.
            let drawn = own
                .as_bytes()
                .first()
                .map_or(0, |byte| u64::from(*byte) * 1_000 / 256);
            variant.tracked = known.map_or(drawn >= self.scenario.shop.untracked, |known| known.tracked);
            variant.quantity = variant.tracked.then_some(variant.quantity.unwrap_or(1));
        }
        Ok(draft)
    }
}
