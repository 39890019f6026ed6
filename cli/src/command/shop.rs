//! `souk shop`: one's own shop, and other people's.

mod browse;
mod edit;
mod import;
mod terms;

pub(crate) use import::file as import_file;
pub(crate) use terms::promises;

use super::Context;
use crate::answer::Listing;
use crate::failure::Failure;
use clap::Subcommand;
use souk_protocol::money::{Amount, Currency};

/// What `shop` can do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Shop {
    /// Add and change listings from a product file (CSV as shop systems export it)
    Import(import::Import),
    /// List a shop's products
    List(browse::List),
    /// Show one product with its variants and reviews
    Show(browse::Show),
    /// Change one product
    Edit(edit::Edit),
    /// Say how many units of a product can be sold
    Stock(edit::Stock),
    /// Show your terms, or set them
    Terms(terms::Terms),
    /// Write your shop as a product file to standard output
    Export,
}

/// Does it.
pub(crate) fn run(wish: &Shop, context: &Context) -> Result<(), Failure> {
    match wish {
        Shop::Import(wish) => import::run(wish, context),
        Shop::List(wish) => browse::list(wish, context),
        Shop::Show(wish) => browse::show(wish, context),
        Shop::Edit(wish) => edit::edit(wish, context),
        Shop::Stock(wish) => edit::stock(wish, context),
        Shop::Terms(wish) => terms::run(wish, context),
        Shop::Export => {
            crate::output::bytes(&context.client()?.export()?);
            Ok(())
        }
    }
}

/// An amount as a person types it.
pub(super) fn amount(text: &str, currency: Currency) -> Result<Amount, Failure> {
    Amount::parse(text, currency)
        .map_err(|error| Failure::usage(error.to_string(), "write it like 42.99 EUR"))
}

/// An amount that may name its currency; otherwise it is in the one given, if any.
pub(super) fn amount_of(text: &str, currency: Option<Currency>) -> Result<Amount, Failure> {
    let named = text.split_whitespace().nth(1);
    let currency = match (named, currency) {
        (Some(code), _) => code
            .parse()
            .map_err(|error| Failure::usage(format!("{error}"), "write it like 42.99 EUR"))?,
        (None, Some(currency)) => currency,
        (None, None) => {
            return Err(Failure::usage(
                format!("'{text}' has no currency"),
                "write it like 42.99 EUR",
            ));
        }
    };
    amount(text, currency)
}

/// What a listing costs: one price, or the cheapest and the dearest.
pub(super) fn prices(listing: &Listing) -> String {
    let prices = || listing.variants.iter().filter_map(|variant| variant.price);
    match (prices().min(), prices().max()) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => {
            let bare = low.to_string();
            format!("{}–{high}", bare.split(' ').next().unwrap_or_default())
        }
        _ => "no price".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_takes_its_currency_from_the_text_or_from_the_shop() {
        let yen = "JPY".parse().unwrap();
        assert_eq!(
            amount_of("42.99 EUR", Some(yen)).unwrap().to_string(),
            "42.99 EUR"
        );
        assert_eq!(amount_of("700", Some(yen)).unwrap().to_string(), "700 JPY");
        assert_eq!(amount_of("700", None).unwrap_err().code, "usage");
        assert_eq!(amount_of("7.5", Some(yen)).unwrap_err().code, "usage");
        assert_eq!(amount_of("7 euros", None).unwrap_err().code, "usage");
    }
}
