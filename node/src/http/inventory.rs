//! The owner's own listings in memory, one short row for each, by title: what the grid of the shop, its
//! figures and the storefront's lists are made of. Reading ten thousand listings from the disk takes longer
//! than anybody wants to wait for a page, so a large shop is read anew beside the requests, and what a
//! page shows of a listing in full is always read from the records.

use super::Node;
use souk_protocol::api::{Event, Happening};
use souk_protocol::codec;
use souk_protocol::id::{AuthorId, ListingId};
use souk_protocol::market;
use souk_protocol::records::{Fault, Range, Records, Tree};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Listings up to which a shop is read anew while the request waits.
const READ_AT_ONCE: usize = 500;
/// Listings that are read between two looks whether the disk holds what was read.
const BATCH: usize = 500;

/// A listing of the owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: ListingId,
    pub(super) handle: String,
    pub(super) title: String,
    pub(super) category: String,
    pub(super) published: bool,
    /// Published, and with a price.
    pub(super) for_sale: bool,
    /// It has a price, and nothing of it can be bought now.
    pub(super) sold_out: bool,
    /// When it was last signed, in milliseconds since 1970.
    pub(super) updated: u64,
    /// The title as it is sorted.
    sorted: String,
    /// What it is found by.
    words: String,
}

impl Row {
    fn place(&self) -> (&str, ListingId) {
        (&self.sorted, self.id)
    }
    /// Whether all of these words, in lower case, are in it.
    fn has(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.words.contains(word))
    }
}

/// Which listings are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    All,
    Published,
    Drafts,
    SoldOut,
}

impl Shown {
    pub(super) const ALL: [Self; 4] = [Self::All, Self::Published, Self::Drafts, Self::SoldOut];

    /// Whether a listing is one of them.
    pub(super) fn holds(self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Published => row.published,
            Self::Drafts => !row.published,
            Self::SoldOut => row.sold_out,
        }
    }
}

/// All listings of the owner's that are not removed, by title.
#[derive(Debug, Clone, Default)]
pub(super) struct Inventory {
    rows: Arc<Vec<Arc<Row>>>,
    /// Made when somebody asks for it first: the owner's own screens do without.
    for_sale: Arc<OnceLock<ForSale>>,
    /// The event up to which it is whole.
    at: u64,
}

/// What strangers see of it.
#[derive(Debug)]
pub(super) struct ForSale {
    /// The last changed first.
    pub(super) rows: Vec<Arc<Row>>,
    /// Categories, the most frequent first, each with the number of its listings.
    pub(super) categories: Vec<(String, usize)>,
}

impl ForSale {
    fn of(rows: &[Arc<Row>]) -> Self {
        let mut rows: Vec<Arc<Row>> = rows.iter().filter(|row| row.for_sale).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.updated));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for row in rows.iter().filter(|row| !row.category.is_empty()) {
            *counts.entry(&row.category).or_default() += 1;
        }
        let mut categories: Vec<(String, usize)> = counts
            .into_iter()
            .map(|(category, count)| (category.to_owned(), count))
            .collect();
        categories.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self { rows, categories }
    }
}

impl Inventory {
    /// What of it is for sale.
    pub(super) fn for_sale(&self) -> &ForSale {
        self.for_sale.get_or_init(|| ForSale::of(&self.rows))
    }
    pub(super) fn count(&self, shown: Shown) -> usize {
        self.rows.iter().filter(|row| shown.holds(row)).count()
    }
    /// Those that hold all words of a text.
    pub(super) fn find(&self, shown: Shown, text: &str) -> Vec<&Arc<Row>> {
        let words: Vec<String> = text
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let wanted = |row: &&Arc<Row>| shown.holds(row) && row.has(&words);
        self.rows.iter().filter(wanted).collect()
    }
    /// Those with these ids, in that order.
    pub(super) fn named(&self, shown: Shown, ids: &[ListingId]) -> Vec<&Arc<Row>> {
        let by_id: BTreeMap<ListingId, &Arc<Row>> = self.rows.iter().map(|row| (row.id, row)).collect();
        ids.iter()
            .filter_map(|id| by_id.get(id).copied())
            .filter(|row| shown.holds(row))
            .collect()
    }

    fn new(rows: Vec<Arc<Row>>, at: u64) -> Self {
        Self {
            rows: Arc::new(rows),
            for_sale: Arc::default(),
            at,
        }
    }

    fn of(node: &Node) -> Result<Self, Fault> {
        let (me, at) = (node.author(), *node.events().borrow());
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let (ids, read) = node.records().read(|records| {
                let ids = market::listing_ids(records, &me, after, BATCH)?;
                let mut read = Vec::with_capacity(ids.len());
                for id in &ids {
                    read.extend(row(records, &me, id)?.map(Arc::new));
                }
                Ok((ids, read))
            })?;
            if *node.stopping().borrow() {
                return Err(Fault::Store("the node is stopping".into()));
            }
            rows.extend(read);
            after = ids.last().copied();
            if ids.len() < BATCH {
                break;
            }
        }
        rows.sort_by(|one, other| one.place().cmp(&other.place()));
        Ok(Self::new(rows, at))
    }

    /// Puts rows in place of what was known of these listings.
    fn put(&mut self, read: BTreeMap<ListingId, Option<Row>>) {
        let mut rows = Vec::clone(&self.rows);
        rows.retain(|known| !read.contains_key(&known.id));
        rows.extend(read.into_values().flatten().map(Arc::new));
        rows.sort_by(|one, other| one.place().cmp(&other.place()));
        *self = Self::new(rows, self.at);
    }
}

fn row(records: &dyn Records, me: &AuthorId, id: &ListingId) -> Result<Option<Row>, Fault> {
    let dated = market::dated(records, me, id)?.filter(|(listing, _)| !listing.removed);
    let Some((listing, updated)) = dated else {
        return Ok(None);
    };
    let stock = market::stock(records, me, id)?;
    let product = &listing.product;
    let sold_out = market::is_sold_out(&listing, &stock);
    let mut words = format!(
        "{} {} {} {}",
        product.title, product.handle, product.vendor, product.category
    );
    let labels = product.tags.iter().map(|tag| tag.as_str());
    for label in labels.chain(listing.variants.iter().map(|variant| variant.sku.as_str())) {
        words.push(' ');
        words.push_str(label);
    }
    Ok(Some(Row {
        id: *id,
        handle: product.handle.to_string(),
        title: product.title.to_string(),
        category: product.category.to_string(),
        published: product.published,
        for_sale: listing.is_for_sale(),
        sold_out,
        updated: updated.0,
        sorted: product.title.as_str().to_lowercase(),
        words: words.to_lowercase(),
    }))
}

/// Where the inventory is kept.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    known: Mutex<Option<Arc<Inventory>>>,
    /// Held by whoever reads all of it anew.
    reading: Mutex<()>,
    /// Whether that is done beside the requests.
    beside: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// The inventory: as it is now if the shop is small, else as it was a moment ago. Reads the disk.
    pub(super) fn inventory(self: &Arc<Self>, node: &Node) -> Result<Arc<Inventory>, Fault> {
        let known = locked(&self.known).clone();
        match known {
            None => self.renewed(node),
            Some(known) => match self.changed(node, &known)? {
                None => Ok(known),
                Some(changed) if known.rows.len().saturating_add(changed) <= READ_AT_ONCE => {
                    self.renewed(node)
                }
                Some(_) => {
                    self.renew_beside(node);
                    Ok(known)
                }
            },
        }
    }

    fn renewed(&self, node: &Node) -> Result<Arc<Inventory>, Fault> {
        let turn = locked(&self.reading);
        // Somebody else may have read it while this one waited.
        let known = locked(&self.known).clone();
        if let Some(known) = known
            && self.changed(node, &known)?.is_none()
        {
            return Ok(known);
        }
        let fresh = Arc::new(Inventory::of(node)?);
        *locked(&self.known) = Some(fresh.clone());
        drop(turn);
        Ok(fresh)
    }

    /// Has the inventory read beside the requests, unless that is being done already.
    pub(super) fn renew_beside(self: &Arc<Self>, node: &Node) {
        if self.beside.swap(true, Ordering::AcqRel) {
            return;
        }
        let (shelf, node) = (self.clone(), node.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = shelf.renewed(&node) {
                tracing::warn!(%error, "the shop's listings could not be read");
            }
            shelf.beside.store(false, Ordering::Release);
        });
    }

    /// How many listings changed since, as far as is known; none if none did. What else happened is passed
    /// over once.
    fn changed(&self, node: &Node, known: &Arc<Inventory>) -> Result<Option<usize>, Fault> {
        let newest = *node.events().borrow();
        if known.at == newest {
            return Ok(None);
        }
        let range = Range::of([], usize::MAX).beyond(Some(known.at.to_be_bytes().to_vec()));
        let mut changed = None;
        for (place, (_, value)) in (1u64..).zip(node.records().scan(Tree::Events, &range)?) {
            let event: Event = codec::decode(&value).map_err(|error| Fault::Broken(error.to_string()))?;
            if event.number != known.at + place {
                // Events in between are forgotten already, so it may be anything.
                return Ok(Some(usize::MAX));
            }
            if let Happening::ShopChanged { shop, listings } = event.what
                && shop == node.author()
            {
                let listings = usize::try_from(listings).unwrap_or(usize::MAX);
                changed = Some(changed.unwrap_or(0_usize).saturating_add(listings));
            }
        }
        if changed.is_none() {
            let mut held = locked(&self.known);
            if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, known)) {
                let next = Inventory {
                    at: newest,
                    ..Inventory::clone(known)
                };
                *held = Some(Arc::new(next));
            }
        }
        Ok(changed)
    }

    /// Reads some listings anew at once: those that the owner has just changed. Reads the disk.
    pub(super) fn renew(&self, node: &Node, ids: &[ListingId]) -> Result<(), Fault> {
        let me = node.author();
        let rows = node.records().read(|records| {
            ids.iter()
                .map(|id| Ok((*id, row(records, &me, id)?)))
                .collect::<Result<BTreeMap<_, _>, Fault>>()
        })?;
        let mut held = locked(&self.known);
        if let Some(known) = held.as_deref() {
            let mut next = known.clone();
            next.put(rows);
            *held = Some(Arc::new(next));
        }
        Ok(())
    }
}
