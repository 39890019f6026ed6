//! Finding things: the search with its facets, one listing, one shop. Nothing here is ranked by money.

use super::super::app::parse;
use super::super::problem::Problem;
use super::super::search::{self, FacetView, Found};
use super::bags;
use super::done::{Done, unknown};
use super::form::Form;
use super::page::Page;
use super::talk::after;
use crate::search::{Query, Sort};
use askama::Template;
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
    fn next(&self) -> Option<usize> {
        let next = self.offset + LISTINGS;
        (next < self.found.total).then_some(next)
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
            let value = self.page.query.get(field);
            let text = match field {
                "in_stock" => self.page.t("only-in-stock"),
                "min" => self.page.t1("price-at-least", "price", value.to_owned()),
                "max" => self.page.t1("price-at-most", "price", value.to_owned()),
                _ => self.facet_name(field, value),
            };
            (!value.is_empty()).then(|| (text, self.with(field, "")))
        };
        ["category", "kind", "vendor", "min", "max", "in_stock"]
            .into_iter()
            .filter_map(shown)
            .collect()
    }
}

/// `GET /explore`
pub(super) async fn explore(page: Page) -> Result<Response, Problem> {
    let asked = &page.query;
    let some = |name: &str| Some(asked.text(name).to_owned()).filter(|text| !text.is_empty());
    let currency = match asked.text("currency") {
        "" => Currency::EUR,
        code => code.parse().map_err(|error| Problem::Field(format!("{error}")))?,
    };
    let price = |name: &str| -> Result<Option<i64>, Problem> {
        let text = asked.text(name).replace(',', ".");
        match text.is_empty() {
            true => Ok(None),
            false => Amount::parse(&text, currency)
                .map(|amount| Some(amount.minor))
                .map_err(|error| Problem::Field(error.to_string())),
        }
    };
    let (from, to) = (price("min")?, price("max")?);
    let sort = asked.text("sort").to_owned();
    let offset: usize = asked.maybe("offset")?.unwrap_or(0);
    // Prices can be compared within one currency alone.
    let priced = from.is_some() || to.is_some() || sort.starts_with("price");
    let query = Query {
        text: asked.text("q").to_owned(),
        category: some("category"),
        kind: some("kind"),
        vendor: some("vendor"),
        currency: priced.then(|| currency.code().to_owned()),
        price_from_minor: from,
        price_to_minor: to,
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
    page.show(&ExploreScreen {
        page: &page,
        found,
        offset,
        listed,
        sort,
    })
}

#[derive(Template)]
#[template(path = "html/store.html")]
struct StoreScreen<'a> {
    page: &'a Page,
    shop: ShopView,
    owner: Option<ProfileView>,
    items: Vec<ListingView>,
    categories: Vec<FacetView>,
    next: Option<String>,
    seen: Seen,
    bagged: u32,
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
    let query = Query {
        text,
        shop: Some(shop.to_string()),
        category: Some(category).filter(|category| !category.is_empty()),
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
    let (found, (terms, owner, listed, bag), seen) = tokio::try_join!(found, held, Seen::of(&page, shop))?;
    let Some(terms) = terms else {
        return Err(Problem::NotFound {
            message: format!("no shop of {shop} is held here"),
            next: "Follow its owner, and it comes.",
        });
    };
    let (items, next) = match asked {
        true => (found.items, None),
        false => (
            listed
                .items
                .into_iter()
                .filter(|listing| listing.published)
                .collect(),
            listed.next,
        ),
    };
    page.show(&StoreScreen {
        page: &page,
        shop: terms,
        owner,
        items,
        categories: found.facets.categories,
        next,
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
    /// Whether something of it can be had.
    fn is_sold(&self, variant: &VariantView) -> bool {
        variant.price.is_some() && variant.available != Some(0)
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
    let had = |variant: &&VariantView| variant.price.is_some() && variant.available != Some(0);
    let chosen = listing
        .variants
        .iter()
        .find(|variant| Some(variant.variant) == asked)
        .or_else(|| listing.variants.iter().find(had))
        .or_else(|| listing.variants.first())
        .cloned();
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
