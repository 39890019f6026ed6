//! The laws that tie the catalog to what the world reads, tried against real automerge documents and
//! real sync messages. `SOUK_CASES` (or `PROPTEST_CASES`) sets how many seeds are tried, `SOUK_SEED` the
//! first of them; a failure prints its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

use souk_protocol::catalog::{CatalogError, Edit, Shard, SyncState, shard_of};
use souk_protocol::id::{AuthorId, DeviceId, ListingId, VariantId};
use souk_protocol::limits::{LISTING_VARIANTS_MAX, SHARD_LISTINGS, SHARDS};
use souk_protocol::listing::{
    FieldKey, FieldName, Fields, Listing, ListingPart, Media, MediaKey, Product, Value, Variant,
};
use souk_protocol::money::{Amount, Currency};
use souk_protocol::text::{List, Name, Tag, Text};
use std::collections::BTreeMap;

const SHARD: u8 = 5;
const EPOCH: u32 = 2;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Tries a law with every seed and says which one broke it.
fn for_each_seed(law: fn(&mut Dice)) {
    let cases = number("SOUK_CASES").or(number("PROPTEST_CASES")).unwrap_or(300);
    let first = number("SOUK_SEED").unwrap_or(1);
    for seed in first..first + cases {
        let trial = std::panic::catch_unwind(|| law(&mut Dice(seed)));
        if let Err(failure) = trial {
            eprintln!("broken by seed {seed}: repeat with SOUK_SEED={seed} SOUK_CASES=1");
            std::panic::resume_unwind(failure);
        }
    }
}

/// SplitMix64: all that a test's luck needs, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % sides as u64).unwrap()
    }
    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len())]
    }
}

fn listing(n: usize) -> ListingId {
    let mut bytes = [u8::try_from(n % 256).unwrap(); 16];
    bytes[0] = SHARD;
    bytes[1] = u8::try_from(n / 256).unwrap();
    ListingId::from_bytes(bytes)
}

fn device(n: usize) -> DeviceId {
    // The order of devices is not the order in which they join.
    DeviceId::from_bytes([[9, 3, 6][n]; 32])
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn variant(listing: ListingId, size: &str, minor: i64) -> Variant {
    Variant {
        options: List::new(vec![name(size)]).unwrap(),
        price: Some(Amount::new(minor, Currency::EUR).unwrap()),
        tracked: true,
        requires_shipping: true,
        ..Variant::new(VariantId::of(&listing, &[size]))
    }
}

const WORDS: [&str; 5] = ["hat", "café", "wool", "Ünder 5 €", "red"];
const SIZES: [&str; 4] = ["S", "M", "L", "XL"];

fn any_product(dice: &mut Dice) -> Product {
    let source = dice.pick(&["https://example.org/a.jpg", "https://example.org/b.jpg"]);
    let media = Media {
        key: MediaKey::of_source(source),
        id: None,
        source: Text::new(source).unwrap(),
        alt: Text::new(dice.pick(&WORDS)).unwrap(),
        position: u32::try_from(dice.roll(3)).unwrap(),
    };
    Product {
        title: name(dice.pick(&WORDS)),
        vendor: name(dice.pick(&["", "bob", "eve"])),
        tags: (0..dice.roll(3))
            .map(|_| Tag::new(dice.pick(&WORDS)).unwrap())
            .collect(),
        options: List::new(vec![name("Size")]).unwrap(),
        media: if dice.roll(2) == 0 {
            vec![media]
        } else {
            Vec::new()
        },
        published: dice.roll(2) == 0,
        ..Product::default()
    }
}

fn any_edit(dice: &mut Dice) -> Edit {
    let listing = listing(dice.roll(3));
    let size = dice.pick(&SIZES);
    let minor = i64::try_from(dice.roll(4)).unwrap();
    match dice.roll(8) {
        0 | 1 => Edit::Put {
            listing,
            product: Box::new(any_product(dice)),
        },
        2..=4 => Edit::PutVariant {
            listing,
            variant: Box::new(variant(listing, size, minor)),
        },
        5 => Edit::Set {
            listing,
            field: FieldKey::product(FieldName::new(dice.pick(&["title", "unheard-of"])).unwrap()),
            value: dice
                .pick(&[Some(1), Some(-1), None])
                .map_or(Value::Null, Value::Int),
        },
        6 => Edit::Remove { listing },
        _ => Edit::RemoveVariant {
            listing,
            variant: VariantId::of(&listing, &[size]),
        },
    }
}

/// One connection of two devices: messages go back and forth until both are silent, or until the
/// connection breaks after so many.
fn connect(one: &mut Shard, other: &mut Shard, states: &mut [SyncState; 2], messages_max: usize) -> usize {
    let mut bytes_sent = 0;
    let mut silent = 0;
    for turn in 0..messages_max {
        let (from, to) = if turn % 2 == 0 {
            (&*one, &mut *other)
        } else {
            (&*other, &mut *one)
        };
        match from.generate(&mut states[turn % 2]).unwrap() {
            Some(bytes) => {
                silent = 0;
                bytes_sent += bytes.len();
                to.receive(&mut states[1 - turn % 2], &bytes).unwrap();
            }
            None => silent += 1,
        }
        if silent == 2 {
            break;
        }
    }
    bytes_sent
}

/// Both devices with all that either knew.
fn meet(one: &mut Shard, other: &mut Shard) {
    connect(one, other, &mut [SyncState::new(), SyncState::new()], 100);
}

fn merged(one: &Shard, other: &Shard) -> Shard {
    let (mut one, mut other) = (one.clone(), other.clone());
    meet(&mut one, &mut other);
    for listing in other.listings() {
        assert_eq!(one.project(&listing), other.project(&listing));
    }
    one
}

fn joined(copies: impl IntoIterator<Item = Fields>) -> Fields {
    let mut whole = Fields::new();
    for copy in copies {
        whole.join(copy);
    }
    whole
}

/// Three devices of one shop, what each pair remembers of the other, and what each has published.
struct World {
    shards: Vec<Shard>,
    states: BTreeMap<(usize, usize), Vec<u8>>,
    published: BTreeMap<(DeviceId, ListingId, u16), ListingPart>,
}

impl World {
    fn new() -> Self {
        Self {
            shards: (0..3).map(|n| Shard::new(SHARD, device(n), EPOCH)).collect(),
            states: BTreeMap::new(),
            published: BTreeMap::new(),
        }
    }

    fn act(&mut self, dice: &mut Dice) {
        let at = dice.roll(3);
        match dice.roll(8) {
            0..=4 => {
                let edits: Vec<_> = (0..=dice.roll(3)).map(|_| any_edit(dice)).collect();
                let before = self.shards[at].clone();
                match self.shards[at].apply(&edits) {
                    Ok(changed) => {
                        for n in 0..3 {
                            let same = before.project(&listing(n)) == self.shards[at].project(&listing(n));
                            assert_eq!(!same, changed.contains(&listing(n)));
                        }
                    }
                    Err(CatalogError::NoListing(_) | CatalogError::NoVariant { .. }) => {
                        assert_eq!(before.listings(), self.shards[at].listings());
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            5 | 6 => self.sync(at, (at + 1 + dice.roll(2)) % 3, dice),
            _ => {
                let bytes = self.shards[at].save().unwrap();
                self.shards[at] = Shard::load(SHARD, &bytes, device(at), EPOCH).unwrap();
                self.publish(at);
            }
        }
    }

    fn sync(&mut self, at: usize, to: usize, dice: &mut Dice) {
        let kept = |key| {
            self.states
                .get(&key)
                .map_or_else(SyncState::new, |b| SyncState::load(b).unwrap())
        };
        let mut states = [kept((at, to)), kept((to, at))];
        let [one, other] = self.shards.get_disjoint_mut([at, to]).unwrap();
        connect(one, other, &mut states, 1 + dice.roll(9));
        self.states.insert((at, to), states[0].save());
        self.states.insert((to, at), states[1].save());
    }

    fn publish(&mut self, at: usize) {
        for listing in self.shards[at].listings() {
            for part in self.shards[at].project(&listing).unwrap().split(listing).unwrap() {
                self.published.insert((device(at), listing, part.part()), part);
            }
        }
    }

    fn check(&self, one: usize, other: usize) {
        let (one, other) = (&self.shards[one], &self.shards[other]);
        let both = merged(one, other);
        for n in 0..3 {
            let id = listing(n);
            let read = joined([one.project(&id).unwrap(), other.project(&id).unwrap()]);
            assert_eq!(read, both.project(&id).unwrap());
            assert_eq!(
                Listing::read(id, &read),
                Listing::read(id, &both.project(&id).unwrap())
            );
        }
    }
}

#[test]
fn readers_who_join_see_what_the_devices_will_see_once_they_met() {
    for_each_seed(|dice| {
        let mut world = World::new();
        for _ in 0..12 {
            world.act(dice);
            let one = dice.roll(3);
            world.check(one, (one + 1) % 3);
        }
        let whole = merged(&merged(&world.shards[0], &world.shards[1]), &world.shards[2]);
        (0..3).for_each(|at| world.publish(at));
        for n in 0..3 {
            let parts = world
                .published
                .values()
                .filter(|part| part.listing() == listing(n));
            assert_eq!(
                joined(parts.map(ListingPart::fields)),
                whole.project(&listing(n)).unwrap()
            );
        }
    });
}

#[test]
fn a_split_listing_reads_whole_while_its_devices_publish_by_turns() {
    let mut shards = [0, 1].map(|n| Shard::new(SHARD, device(n), EPOCH));
    let mut published: BTreeMap<(usize, u16), ListingPart> = BTreeMap::new();
    let mut sizes = Vec::new();
    for round in 0..8usize {
        let at = round % 2;
        // Both devices write the same variants at other prices, and each some of its own.
        let edits: Vec<_> = (0..60 * round)
            .map(|n| Edit::PutVariant {
                listing: listing(0),
                variant: Box::new(variant(
                    listing(0),
                    &format!("size {n}"),
                    i64::try_from(n * round).unwrap(),
                )),
            })
            .collect();
        shards[at].apply(&edits).unwrap();
        let parts = shards[at]
            .project(&listing(0))
            .unwrap()
            .split(listing(0))
            .unwrap();
        sizes.push(parts.len());
        published.extend(parts.into_iter().map(|part| ((at, part.part()), part)));
        let [one, other] = &shards;
        let read = joined(published.values().map(ListingPart::fields));
        assert_eq!(read, merged(one, other).project(&listing(0)).unwrap());
    }
    assert!(sizes.contains(&1) && sizes.iter().max() > Some(&2), "{sizes:?}");
}

fn import(count: usize) -> Vec<Edit> {
    let listings = (0..count).map(|n| {
        let id = listing(n);
        Listing {
            id,
            product: Product {
                handle: name(&format!("hat-{n}")),
                title: name(&format!("Hat {n}")),
                published: true,
                options: List::new(vec![name("Size")]).unwrap(),
                ..Product::default()
            },
            variants: SIZES.iter().map(|size| variant(id, size, 4_299)).collect(),
            removed: false,
        }
    });
    listings.flat_map(Edit::put).collect()
}

#[test]
fn two_devices_that_import_one_file_at_once_have_one_listing_with_all_its_variants() {
    let mut shards = [0, 1].map(|n| Shard::new(SHARD, device(n), EPOCH));
    for shard in &mut shards {
        assert_eq!(shard.apply(&import(20)).unwrap().len(), 20);
    }
    let [one, other] = &shards;
    let both = merged(one, other);
    assert_eq!(both.listings().len(), 20);
    for n in 0..20 {
        let read = Listing::read(listing(n), &both.project(&listing(n)).unwrap());
        assert_eq!(read.variants.len(), SIZES.len());
        assert!(read.is_for_sale());
    }
}

#[test]
fn an_import_that_is_repeated_changes_nothing() {
    let mut shard = Shard::new(SHARD, device(0), EPOCH);
    shard.apply(&import(5)).unwrap();
    let before = shard.project(&listing(0)).unwrap();
    assert!(shard.apply(&import(5)).unwrap().is_empty());
    assert_eq!(shard.project(&listing(0)).unwrap(), before);
}

#[test]
fn tags_that_two_devices_add_at_once_both_stay() {
    let mut shards = [0, 1].map(|n| Shard::new(SHARD, device(n), EPOCH));
    let tagged = |tags: &[&str]| Edit::Put {
        listing: listing(0),
        product: Box::new(Product {
            tags: tags.iter().map(|tag| Tag::new(tag).unwrap()).collect(),
            ..Product::default()
        }),
    };
    shards[0].apply(&[tagged(&["old"])]).unwrap();
    let [one, other] = &mut shards;
    meet(one, other);
    one.apply(&[tagged(&["old", "red"])]).unwrap();
    other.apply(&[tagged(&["blue"])]).unwrap();
    let fields = merged(one, other).project(&listing(0)).unwrap();
    let tags = Listing::read(listing(0), &fields).product.tags;
    assert_eq!(tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["blue", "red"]);
}

#[test]
fn a_listing_that_was_removed_comes_back_when_it_is_put_again() {
    let mut shard = Shard::new(SHARD, device(0), EPOCH);
    shard.apply(&import(1)).unwrap();
    shard.apply(&[Edit::Remove { listing: listing(0) }]).unwrap();
    assert!(Listing::read(listing(0), &shard.project(&listing(0)).unwrap()).removed);
    shard.apply(&import(1)).unwrap();
    let back = Listing::read(listing(0), &shard.project(&listing(0)).unwrap());
    assert!(!back.removed && back.is_for_sale());
}

#[test]
fn a_changed_field_costs_a_few_hundred_bytes_between_devices() {
    let mut shards = [0, 1].map(|n| Shard::new(SHARD, device(n), EPOCH));
    shards[0].apply(&import(100)).unwrap();
    let [one, other] = &mut shards;
    let mut states = [SyncState::new(), SyncState::new()];
    connect(one, other, &mut states, 100);
    one.apply(&[Edit::PutVariant {
        listing: listing(7),
        variant: Box::new(variant(listing(7), "M", 3_999)),
    }])
    .unwrap();
    let bytes = connect(one, other, &mut states, 100);
    assert_eq!(one.project(&listing(7)), other.project(&listing(7)));
    assert!(bytes < 600, "{bytes} bytes");
}

#[test]
fn edits_that_cannot_be_leave_the_document_alone() {
    let mut shard = Shard::new(SHARD, device(0), EPOCH);
    shard.apply(&import(1)).unwrap();
    let before = shard.project(&listing(0)).unwrap();
    let mut foreign = [0; 16];
    foreign[0] = SHARD + 1;
    let foreign = ListingId::from_bytes(foreign);
    let put = |listing| Edit::Put {
        listing,
        product: Box::new(Product::default()),
    };
    let rename = Edit::Put {
        listing: listing(0),
        product: Box::new(Product {
            title: name("new"),
            ..Product::default()
        }),
    };
    let too_many: Vec<_> = (0..=LISTING_VARIANTS_MAX)
        .map(|n| Edit::PutVariant {
            listing: listing(0),
            variant: Box::new(variant(listing(0), &n.to_string(), 1)),
        })
        .collect();
    let refusals = [
        (
            vec![rename.clone(), Edit::Remove { listing: listing(1) }],
            CatalogError::NoListing(listing(1)),
        ),
        (
            vec![put(foreign)],
            CatalogError::WrongShard {
                expected: SHARD,
                actual: SHARD + 1,
            },
        ),
        (
            [vec![rename], import(SHARD_LISTINGS + 1)].concat(),
            CatalogError::TooManyListings(SHARD_LISTINGS + 1),
        ),
        (
            too_many,
            CatalogError::TooManyVariants {
                listing: listing(0),
                // The four that it has are among the sizes of no number.
                actual: LISTING_VARIANTS_MAX + 1 + SIZES.len(),
            },
        ),
    ];
    for (edits, refusal) in refusals {
        assert_eq!(shard.apply(&edits), Err(refusal));
        assert_eq!(shard.project(&listing(0)).unwrap(), before);
    }
}

#[test]
fn a_new_epoch_outranks_all_that_a_revoked_device_wrote() {
    let mut shards = [0, 1].map(|n| Shard::new(SHARD, device(n), EPOCH));
    shards[0].apply(&import(2)).unwrap();
    let [honest, thief] = &mut shards;
    meet(honest, thief);
    for minor in 1..50 {
        let edit = Edit::PutVariant {
            listing: listing(0),
            variant: Box::new(variant(listing(0), "M", minor)),
        };
        thief.apply(&[edit]).unwrap();
    }
    honest.apply(&[Edit::Remove { listing: listing(1) }]).unwrap();
    let fresh = honest.reopened(device(0), EPOCH + 1).unwrap();
    let read = joined([
        thief.project(&listing(0)).unwrap(),
        fresh.project(&listing(0)).unwrap(),
    ]);
    assert_eq!(
        Listing::read(listing(0), &read),
        Listing::read(listing(0), &honest.project(&listing(0)).unwrap())
    );
    assert!(Listing::read(listing(1), &fresh.project(&listing(1)).unwrap()).removed);
    assert_eq!(fresh.project(&listing(1)).unwrap().len(), 1);
    assert_eq!(
        thief.project(&listing(0)).unwrap().since(EPOCH + 1),
        Fields::new()
    );
}

#[test]
fn damaged_messages_and_documents_are_refused_and_change_nothing() {
    for_each_seed(|dice| {
        let mut shards = [0, 1].map(|n| Shard::new(SHARD, device(n), EPOCH));
        shards[0].apply(&import(1)).unwrap();
        shards[1].apply(&[any_edit(dice), any_edit(dice)]).ok();
        let [one, other] = &mut shards;
        let mut states = [SyncState::new(), SyncState::new()];
        connect(one, other, &mut states, 2);
        let mut bytes = one.generate(&mut states[0]).unwrap().unwrap();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(bytes.len());
            bytes[at] = u8::try_from(dice.roll(256)).unwrap();
        }
        bytes.truncate(bytes.len() - dice.pick(&[0, 0, 1, 40]));
        let before: Vec<_> = (0..3).map(|n| other.project(&listing(n)).unwrap()).collect();
        if other.receive(&mut states[1], &bytes).is_err() {
            let after: Vec<_> = (0..3).map(|n| other.project(&listing(n)).unwrap()).collect();
            assert_eq!(before, after);
        }
        // Whatever came, an undisturbed connection brings both together.
        meet(one, other);
        let mut saved = one.save().unwrap();
        let at = dice.roll(saved.len());
        saved[at] ^= 1 << dice.roll(8);
        if let Ok(read) = Shard::load(SHARD, &saved, device(0), EPOCH) {
            assert_eq!(read.project(&listing(0)), one.project(&listing(0)));
        }
    });
}

#[test]
fn a_large_shop_fits_its_shards() {
    let shop = AuthorId::from_bytes([1; 32]);
    let mut counts = vec![0usize; SHARDS];
    for n in 0..100_000 {
        counts[usize::from(shard_of(&ListingId::of(&shop, &format!("product-{n}"))))] += 1;
    }
    assert!(counts.iter().all(|count| (300..SHARD_LISTINGS).contains(count)));
}
