//! Finding things: the search with its facets, one listing, one shop. Nothing here is ranked by money.

use super::super::app::parse;
use super::super::problem::Problem;
use super::super::search::{self, FacetView, Found};
use super::bags;
use super::done::{Done, unknown};
use super::form::Form;
use super::page::{Page, see};
use super::talk::after;
use crate::search::limits::OFFSET_MAX;
use crate::search::{Query, Sort};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use souk_protocol::id::{AuthorId, ListingId, VariantId};
use souk_protocol::market;
use souk_protocol::money::{Amount, Currency};
use souk_protocol::records::{Fault, Records};
use souk_protocol::shop::{Country, ShopTerms};
use souk_protocol::text::Name;
use souk_protocol::view::{self, ListingView, ProfileView, ReviewView, ShopView, VariantView};

/// Listings on one page.
const LISTINGS: usize = 48;
/// Reviews of one listing that are shown.
const REVIEWS: usize = 50;
/// Addresses that are looked through for the country.
const ADDRESSES: usize = 20;
/// What a shop without any address of the reader's is asked for.
pub(super) const COUNTRY: &str = "DE";

#[derive(Template)]
#[template(path = "html/explore.html")]
struct ExploreScreen<'a> {
    page: &'a Page,
    found: Found,
    offset: usize,
    listed: bool,
    sort: String,
    prices: Prices,
    /// What is wrong with the prices that were typed.
    wrong: Option<String>,
}

/// Where the next page of a search begins. What lies behind the last hit that may be skipped is reached by
/// asking for less.
fn later(offset: usize, total: usize) -> Option<usize> {
    let next = offset.saturating_add(LISTINGS);
    (next < total && next <= OFFSET_MAX).then_some(next)
}

fn is_cut(offset: usize, total: usize) -> bool {
    later(offset, total).is_none() && offset.saturating_add(LISTINGS) < total
}

/// Prices that are looked for.
#[derive(Default)]
struct Prices {
    /// The currency that was asked for.
    chosen: Option<Currency>,
    from: Option<i64>,
    to: Option<i64>,
}

impl Prices {
    /// What was typed, or the message that says what is wrong with it, with that text.
    fn typed(query: &Form) -> Result<Self, (&'static str, String)> {
        let chosen = match query.text("currency") {
            "" => None,
            code => {
                let parsed = code.to_uppercase().parse();
                Some(parsed.map_err(|_| ("explore-wrong-currency", code.to_owned()))?)
            }
        };
        let mut prices = Self {
            chosen,
            ..Self::default()
        };
        let currency = prices.currency();
        let price = |name: &str| match query.text(name) {
            "" => Ok(None),
            text => Amount::parse(&text.replace(',', "."), currency)
                .map(|amount| Some(amount.minor))
                .map_err(|_| ("explore-wrong-price", text.to_owned())),
        };
        (prices.from, prices.to) = (price("min")?, price("max")?);
        Ok(prices)
    }
    /// The one that prices are compared in.
    fn currency(&self) -> Currency {
        self.chosen.unwrap_or(Currency::EUR)
    }
}

impl ExploreScreen<'_> {
    /// The address of this search with one field changed.
    fn with(&self, name: &str, value: &str) -> String {
        let mut address = form_urlencoded::Serializer::new(String::new());
        let fields = [
            "q", "category", "kind", "vendor", "currency", "min", "max", "in_stock", "sort", "view",
        ];
        for field in fields {
            let held = if field == name {
                value
            } else {
                self.page.query.get(field)
            };
            if !held.is_empty() {
                address.append_pair(field, held);
            }
        }
        if name == "offset" {
            address.append_pair("offset", value);
        }
        format!("/explore?{}", address.finish())
    }
    fn chosen(&self, name: &str, value: &str) -> bool {
        self.page.query.get(name) == value
    }
    fn earlier(&self) -> Option<String> {
        (self.offset > 0).then(|| self.with("offset", &self.offset.saturating_sub(LISTINGS).to_string()))
    }
    fn later(&self) -> Option<String> {
        later(self.offset, self.found.total).map(|next| self.with("offset", &next.to_string()))
    }
    /// Whether more was found than can be looked through.
    fn is_cut(&self) -> bool {
        is_cut(self.offset, self.found.total)
    }
    fn facets(&self) -> [(&'static str, &'static str, &[FacetView]); 3] {
        let facets = &self.found.facets;
        [
            ("category", "facet-category", &facets.categories),
            ("vendor", "facet-vendor", &facets.vendors),
            ("kind", "facet-kind", &facets.kinds),
        ]
    }
    fn facet_name(&self, field: &str, value: &str) -> String {
        match field {
            "kind" => self.page.t(&format!("kind-{value}")),
            _ => value.to_owned(),
        }
    }
    /// Filters that are set, each with the address of the search without it.
    fn filters(&self) -> Vec<(String, String)> {
        let shown = |field: &str| {
            let value = self.page.query.text(field);
            let text = match field {
                "in_stock" => self.page.t("only-in-stock"),
                "min" => self
                    .page
                    .t1("price-at-least", "price", self.price(self.prices.from?)),
                "max" => self
                    .page
                    .t1("price-at-most", "price", self.price(self.prices.to?)),
                "currency" => self.page.t1("prices-in", "currency", self.prices.chosen?.code()),
                _ => self.facet_name(field, value),
            };
            (!value.is_empty()).then(|| (text, self.with(field, "")))
        };
        ["category", "kind", "vendor", "currency", "min", "max", "in_stock"]
            .into_iter()
            .filter_map(shown)
            .collect()
    }
    fn price(&self, minor: i64) -> String {
        let currency = self.prices.currency();
        self.page.money(&Amount { minor, currency })
    }
    /// An order by price says in which currency.
    fn by_price(&self, key: &str) -> String {
        self.page.t1(key, "currency", self.prices.currency().code())
    }
}

/// `GET /explore`
pub(super) async fn explore(page: Page) -> Result<Response, Problem> {
    let asked = &page.query;
    let some = |name: &str| Some(asked.text(name).to_owned()).filter(|text| !text.is_empty());
    let (prices, wrong) = match Prices::typed(asked) {
        Ok(prices) => (prices, None),
        // The search goes on without them, and says what is wrong.
        Err((key, text)) => (Prices::default(), Some(page.t1(key, "text", text))),
    };
    let sort = asked.text("sort").to_owned();
    let offset: usize = asked.maybe("offset")?.unwrap_or(0);
    // Prices can be compared within one currency alone.
    let compared = prices.from.is_some() || prices.to.is_some() || sort.starts_with("price");
    let currency = match compared {
        true => Some(prices.currency()),
        false => prices.chosen,
    };
    let query = Query {
        text: asked.text("q").to_owned(),
        category: some("category"),
        kind: some("kind"),
        vendor: some("vendor"),
        currency: currency.map(|currency| currency.code().to_owned()),
        price_from_minor: prices.from,
        price_to_minor: prices.to,
        in_stock: asked.ticked("in_stock"),
        offset,
        limit: LISTINGS,
        sort: match sort.as_str() {
            "price_up" => Sort::PriceUp,
            "price_down" => Sort::PriceDown,
            "newest" => Sort::Newest,
            _ => Sort::Relevance,
        },
        facets: true,
        ..Query::default()
    };
    let found = search::find(&page.app, query).await?;
    let listed = asked.get("view") == "list";
    let is_wrong = wrong.is_some();
    let mut shown = page.show(&ExploreScreen {
        page: &page,
        found,
        offset,
        listed,
        sort,
        prices,
        wrong,
    })?;
    if is_wrong {
        *shown.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(shown)
}

#[derive(Template)]
#[template(path = "html/store.html")]
struct StoreScreen<'a> {
    page: &'a Page,
    shop: ShopView,
    owner: Option<ProfileView>,
    items: Vec<ListingView>,
    categories: Vec<FacetView>,
    /// How many listings are for sale.
    count: usize,
    earlier: Option<String>,
    later: Option<String>,
    /// Whether more was found than can be looked through.
    cut: bool,
    seen: Seen,
    bagged: u32,
}

/// The address of a shop, with what is asked of it.
fn store_address(shop: &AuthorId, fields: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => format!("/shops/{shop}"),
        query => format!("/shops/{shop}?{query}"),
    }
}

/// When somebody was last heard of.
pub(super) enum Seen {
    /// One of their devices is connected.
    Now,
    /// When they last signed something that is held here, in milliseconds since 1970.
    Then(u64),
    Never,
}

impl Seen {
    pub(super) async fn of(page: &Page, author: AuthorId) -> Result<Self, Problem> {
        let status = page.app.node.status().await;
        if author == page.me || status.peers.iter().any(|peer| peer.author == Some(author)) {
            return Ok(Self::Now);
        }
        let last = page
            .app
            .read(move |records| view::last_word(records, &author))
            .await?;
        Ok(last.map_or(Self::Never, |at| Self::Then(at.0)))
    }
    pub(super) fn text(&self, page: &Page) -> String {
        match self {
            Self::Now => page.t("seller-here"),
            Self::Then(at) => page.t1("seller-seen", "ago", page.ago(at)),
            Self::Never => page.t("seller-unseen"),
        }
    }
    pub(super) fn is_now(&self) -> bool {
        matches!(self, Self::Now)
    }
}

/// `GET /shops/{author}`
pub(super) async fn shop(page: Page) -> Result<Response, Problem> {
    let (me, shop) = (page.me, page.app.author(page.place("author"))?);
    let category = page.query.text("category").to_owned();
    let text = page.query.text("q").to_owned();
    let after = after(&page.query)?;
    let asked = !category.is_empty() || !text.is_empty();
    let offset: usize = page.query.maybe("offset")?.unwrap_or(0);
    let query = Query {
        text: text.clone(),
        shop: Some(shop.to_string()),
        category: Some(category.clone()).filter(|category| !category.is_empty()),
        offset: if asked { offset } else { 0 },
        // Without a question the index is asked for the categories alone.
        limit: if asked { LISTINGS } else { 1 },
        facets: true,
        ..Query::default()
    };
    let held = page.app.read(move |records| {
        Ok((
            view::shop(records, &shop)?,
            view::profile(records, &me, &shop)?,
            view::listings(records, &me, &shop, after, LISTINGS)?,
            bags::of(records, &shop)?,
        ))
    });
    // The index, the records and the network are asked at once: none waits for another.
    let found = search::find(&page.app, query);
    let (seen, count) = (Seen::of(&page, shop), page.app.for_sale(shop));
    let (found, (terms, owner, listed, bag), seen, count) = tokio::try_join!(found, held, seen, count)?;
    let Some(terms) = terms else {
        return Err(Problem::NotFound {
            message: format!("no shop of {shop} is held here"),
            next: "Follow its owner, and it comes.",
        });
    };
    let at = |offset: usize| {
        let offset = offset.to_string();
        let offset = if offset == "0" { "" } else { &offset };
        store_address(
            &shop,
            &[("q", &text), ("category", &category), ("offset", offset)],
        )
    };
    let cut = asked && is_cut(offset, found.total);
    let (items, earlier, later) = match asked {
        true => (
            found.items,
            (offset > 0).then(|| at(offset.saturating_sub(LISTINGS))),
            later(offset, found.total).map(at),
        ),
        false => (
            listed
                .items
                .into_iter()
                .filter(|listing| listing.published)
                .collect(),
            None,
            listed.next.map(|next| store_address(&shop, &[("after", &next)])),
        ),
    };
    page.show(&StoreScreen {
        page: &page,
        shop: terms,
        owner,
        items,
        categories: found.facets.categories,
        count,
        earlier,
        later,
        cut,
        seen,
        bagged: bag.lines.iter().map(|line| line.units).sum(),
    })
}

#[derive(Template)]
#[template(path = "html/listing.html")]
struct ListingScreen<'a> {
    page: &'a Page,
    listing: ListingView,
    shop: Option<ShopView>,
    owner: Option<ProfileView>,
    reviews: Vec<ReviewView>,
    seen: Seen,
    chosen: Option<VariantView>,
    shipping: Shipping,
    country: String,
}

/// What sending costs, as far as it is known before a quote.
pub(super) enum Shipping {
    None,
    Costs(Amount),
    NotThere,
    Unknown,
}

impl Shipping {
    pub(super) fn of(
        terms: Option<&ShopTerms>,
        country: &str,
        grams: u64,
        subtotal: Amount,
        needed: bool,
    ) -> Self {
        let Some(terms) = terms else { return Self::Unknown };
        if !needed {
            return Self::None;
        }
        let Ok(country) = country.parse::<Country>() else {
            return Self::Unknown;
        };
        match terms.rate(&Name::default(), country, grams, subtotal) {
            Ok(amount) => Self::Costs(amount),
            Err(_) => Self::NotThere,
        }
    }
}

impl ListingScreen<'_> {
    fn is_chosen(&self, variant: &VariantId) -> bool {
        self.chosen
            .as_ref()
            .is_some_and(|chosen| chosen.variant == *variant)
    }
    /// What one unit costs with everything.
    fn total(&self) -> Option<Amount> {
        let price = self.chosen.as_ref()?.price?;
        match &self.shipping {
            Shipping::None => Some(price),
            Shipping::Costs(shipping) => price.plus(*shipping).ok(),
            Shipping::NotThere | Shipping::Unknown => None,
        }
    }
    fn kind(&self) -> String {
        self.page.t(&format!("kind-{}", self.listing.kind.as_str()))
    }
    fn host(&self, url: &str) -> String {
        super::prose::host(url).unwrap_or_default()
    }
}

/// The address of a listing with one of its variants chosen, and with all else that this request's says.
fn listing_address(page: &Page, shop: &AuthorId, listing: &ListingId, variant: &VariantId) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("variant", &variant.to_string());
    for field in ["country", "done"] {
        let value = page.query.get(field);
        if !value.is_empty() {
            query.append_pair(field, value);
        }
    }
    format!("/shops/{shop}/{listing}?{}", query.finish())
}

/// The country that the reader last had something sent to.
pub(super) fn home_country(records: &dyn Records) -> Result<String, Fault> {
    let addresses = view::addresses(records, None, ADDRESSES)?.items;
    let country = addresses
        .into_iter()
        .next()
        .map(|address| address.address.country.to_string());
    Ok(country.unwrap_or_else(|| COUNTRY.to_owned()))
}

/// `GET /shops/{author}/{listing}`
pub(super) async fn listing(page: Page) -> Result<Response, Problem> {
    let (me, shop) = (page.me, page.app.author(page.place("author"))?);
    let id: ListingId = parse(page.place("listing"))?;
    let found = page
        .app
        .read(move |records| {
            let Some(listing) = view::listing(records, &me, &shop, &id)? else {
                return Ok(None);
            };
            Ok(Some((
                listing,
                view::shop(records, &shop)?,
                market::terms(records, &shop)?,
                view::profile(records, &me, &shop)?,
                view::reviews(records, &shop, &id, REVIEWS)?.items,
                home_country(records)?,
            )))
        })
        .await?;
    let Some((listing, terms_view, terms, owner, reviews, home)) = found else {
        return Err(Problem::NotFound {
            message: format!("{shop} has no listing {id} that is known here"),
            next: "It may have been taken out of the shop, or arrive later.",
        });
    };
    let country = match page.query.text("country") {
        "" => home,
        code => code.to_uppercase(),
    };
    let asked = page.query.maybe::<VariantId>("variant")?;
    let asked = asked.and_then(|id| listing.variants.iter().find(|variant| variant.variant == id));
    let first = || listing.variants.iter().find(|variant| variant.is_sellable());
    let chosen = asked.or_else(first).or(listing.variants.first()).cloned();
    // What is chosen stands in the address: otherwise another variant would take its place, price and all, once
    // it is sold out.
    if let Some(chosen) = chosen.as_ref().filter(|_| listing.variants.len() > 1)
        && asked.is_none()
        && page.refused().is_none()
    {
        return Ok(see(&listing_address(&page, &shop, &id, &chosen.variant)));
    }
    let shipping = match &chosen {
        Some(VariantView {
            price: Some(price),
            weight_grams,
            requires_shipping,
            ..
        }) => Shipping::of(
            terms.as_ref(),
            &country,
            u64::from(*weight_grams),
            *price,
            *requires_shipping,
        ),
        _ => Shipping::Unknown,
    };
    let seen = Seen::of(&page, shop).await?;
    page.show(&ListingScreen {
        page: &page,
        listing,
        shop: terms_view,
        owner,
        reviews,
        seen,
        chosen,
        shipping,
        country,
    })
}

/// Forms of listings and bags.
pub(super) async fn act(page: &Page, name: &str, form: &Form) -> Result<Done, Problem> {
    match name {
        "bag" => {
            let shop: AuthorId = form.parsed("shop")?;
            let listing: ListingId = form.parsed("listing")?;
            let variant = form.maybe::<VariantId>("variant")?;
            let units = form.maybe::<u32>("units")?.unwrap_or(1);
            let me = page.me;
            let _turn = page.app.bags.lock().await;
            let (mut bag, held) = page
                .app
                .read(move |records| {
                    Ok((
                        bags::of(records, &shop)?,
                        view::listing(records, &me, &shop, &listing)?,
                    ))
                })
                .await?;
            let sold = held
                .as_ref()
                .and_then(|held| held.variants.iter().find(|one| Some(one.variant) == variant));
            match sold {
                Some(VariantView {
                    available: Some(left),
                    ..
                }) if u64::from(units) > *left => {
                    return Err(Problem::Field(format!(
                        "there are {left} left, and {units} were asked for"
                    )));
                }
                Some(VariantView { price: Some(_), .. }) => {}
                _ => return Err(Problem::Field("this variant is not sold now".into())),
            }
            if units == 0 || !bag.add(listing, variant, units) {
                return Err(Problem::Field(format!(
                    "a bag holds at most {} kinds of things",
                    bags::LINES_MAX
                )));
            }
            page.carry_out(bag.kept()).await?;
            match form.ticked("now") {
                true => Ok(Done::to(format!("/bag#shop-{shop}"), "")),
                false => Ok(Done::here("bagged")),
            }
        }
        other => Err(unknown(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_is_offered_that_a_search_would_refuse() {
        for (offset, total, next, cut) in [
            (0, 48, None, false),
            (0, 49, Some(48), false),
            (9_936, 100_000, Some(9_984), false),
            (9_984, 100_000, None, true),
            (OFFSET_MAX, OFFSET_MAX + 1, None, false),
            (usize::MAX, 100_000, None, false),
        ] {
            assert_eq!(
                (later(offset, total), is_cut(offset, total)),
                (next, cut),
                "{offset}"
            );
        }
    }
}
