//! A new listing, by hand.

use super::super::super::problem::Problem;
use super::super::super::product_file;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::cells::{self, listed};
use crate::products::handle_of;
use crate::products::limits::PRODUCT_OPTIONS_MAX;
use askama::Template;
use axum::response::Response;
use souk_protocol::api::{Command, ProductDraft, VariantDraft};
use souk_protocol::id::ListingId;
use souk_protocol::market;

/// Variants that a form makes at most: each becomes a row that is priced by hand.
const VARIANTS_MADE_MAX: usize = 100;
/// Numbers that are tried after a handle that is taken.
const HANDLES_TRIED: usize = 1_000;

/// A field for an option and its values.
struct OptionField {
    number: usize,
    name: String,
    values: String,
}

#[derive(Template)]
#[template(path = "html/shop_new.html")]
struct NewScreen<'a> {
    page: &'a Page,
    currency: String,
    kind: String,
    published: bool,
    ships: bool,
    options: Vec<OptionField>,
    any_option: bool,
}

/// `GET /shop/new`
pub(super) async fn new(page: Page) -> Result<Response, Problem> {
    let currency = product_file::currency(&page.app).await?.to_string();
    let kept = |field: &str| page.kept("shop.new", "", field);
    let options: Vec<OptionField> = (1..=PRODUCT_OPTIONS_MAX)
        .map(|number| OptionField {
            number,
            name: kept(&format!("option{number}")).unwrap_or_default(),
            values: kept(&format!("values{number}")).unwrap_or_default(),
        })
        .collect();
    let tried = kept("title").is_some();
    page.show(&NewScreen {
        page: &page,
        currency,
        kind: kept("kind")
            .filter(|kind| !kind.is_empty())
            .unwrap_or_else(|| "physical".into()),
        published: !tried || kept("published").is_some_and(|on| !on.is_empty()),
        ships: !tried || kept("ships").is_some_and(|on| !on.is_empty()),
        any_option: options.iter().any(|option| !option.name.is_empty()),
        options,
    })
}

/// Every choice of one value for each option.
fn choices(values: &[Vec<String>]) -> Vec<Vec<String>> {
    values.iter().fold(vec![Vec::new()], |choices, values| {
        let with = |choice: &Vec<String>| {
            let choice = choice.clone();
            values
                .iter()
                .map(move |value| [choice.as_slice(), std::slice::from_ref(value)].concat())
        };
        choices.iter().flat_map(with).collect()
    })
}

/// `shop.new`
pub(super) async fn create(page: &Page, form: &Form) -> Result<Done, Problem> {
    let currency = product_file::currency(&page.app).await?;
    let title = form.text("title").to_owned();
    if title.is_empty() {
        return Err(Problem::Field("a listing needs a title".into()));
    }
    let (mut options, mut values) = (Vec::new(), Vec::new());
    for number in 1..=PRODUCT_OPTIONS_MAX {
        let (name, listed) = (
            form.text(&format!("option{number}")),
            listed(form.get(&format!("values{number}"))),
        );
        match (name.is_empty(), listed.is_empty()) {
            (true, true) => {}
            (false, false) => {
                options.push(name.to_owned());
                values.push(listed);
            }
            _ => {
                let message = format!("option {number}: expected a name and values, got only one of the two");
                return Err(Problem::Field(message));
            }
        }
    }
    let made: usize = values.iter().map(Vec::len).product();
    if made > VARIANTS_MADE_MAX {
        let message = format!(
            "these options make {made} variants, expected at most {VARIANTS_MADE_MAX}; import a file"
        );
        return Err(Problem::Field(message));
    }
    let kind = form.text("kind");
    let (price, stock) = (
        cells::amount(form.text("price"), currency)?,
        cells::units(form.text("stock"))?,
    );
    let quantity = stock
        .map(i64::try_from)
        .transpose()
        .map_err(|_| Problem::Field("that is more than a shop can have".into()))?;
    let variant = VariantDraft {
        price_minor: price.minor,
        weight_grams: form.maybe("weight")?,
        requires_shipping: kind == "physical" && form.ticked("ships"),
        tracked: quantity.is_some(),
        quantity,
        ..VariantDraft::default()
    };
    let variants = choices(&values).into_iter().map(|options| VariantDraft {
        options,
        ..variant.clone()
    });
    let (handle, listing) = free_handle(page, &title).await?;
    let product = ProductDraft {
        handle,
        title,
        description: form.text("description").to_owned(),
        vendor: form.text("vendor").to_owned(),
        category: Some(form.text("category").to_owned()).filter(|category| !category.is_empty()),
        kind: kind.to_owned(),
        tags: listed(form.get("tags")),
        published: form.ticked("published"),
        options,
        images: Vec::new(),
        variants: variants.collect(),
    };
    let products = vec![product];
    page.carry_out(Command::ImportListings { products }).await?;
    cells::renew(page, vec![listing]).await?;
    Ok(Done::to(format!("/shop/{listing}"), "shop-new"))
}

/// A handle made of the title that no listing of the shop has, removed ones counted.
async fn free_handle(page: &Page, title: &str) -> Result<(String, ListingId), Problem> {
    let (me, first) = (page.me, handle_of(title));
    let found = page.app.read(move |records| {
        for number in 1..=HANDLES_TRIED {
            let handle = match number {
                1 => first.clone(),
                more => format!("{first}-{more}"),
            };
            let listing = ListingId::of(&me, &handle);
            if market::fields(records, &me, &listing)?.is_empty() {
                return Ok(Some((handle, listing)));
            }
        }
        Ok(None)
    });
    found
        .await?
        .ok_or_else(|| Problem::Field("too many listings have this title already".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_make_every_choice() {
        assert_eq!(choices(&[]), [Vec::<String>::new()]);
        let made = choices(&[listed("S, M,, M"), listed("red،blue")]);
        assert_eq!(
            made,
            [["S", "red"], ["S", "blue"], ["M", "red"], ["M", "blue"]]
                .map(|one| one.map(str::to_owned).to_vec())
        );
    }
}
