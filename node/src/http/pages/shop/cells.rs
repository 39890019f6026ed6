//! Prices and stock as fields of a form. Each cell brings along what it showed, and only one that the owner
//! changed becomes a command: a sale that came in meanwhile must not be undone by an old number.

use super::super::super::app::parse;
use super::super::super::problem::Problem;
use super::super::form::Form;
use super::super::page::Page;
use super::super::words;
use souk_protocol::api::{Command, ListingEdit};
use souk_protocol::id::{ListingId, VariantId};
use souk_protocol::money::{Amount, Currency};
use souk_protocol::view::{ListingView, VariantView};
use std::collections::BTreeMap;

/// What parts a cell's former price from its former stock.
const BAR: char = '|';

/// An amount as people type it, with a decimal point or a decimal comma.
pub(super) fn amount(text: &str, currency: Currency) -> Result<Amount, Problem> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let marks = |c: char| matches!(c, '.' | ',');
    // The last mark is the decimal one; others group thousands, as on paper.
    let plain = match digits.rfind(marks) {
        Some(at) if digits.matches(['.', ',']).count() > 1 => {
            let (whole, fraction) = digits.split_at(at);
            let mark = fraction.chars().next().unwrap_or('.');
            match whole.contains(mark) {
                true => return Err(wrong(text, currency)),
                false => format!("{}{fraction}", whole.replace(marks, "")),
            }
        }
        _ => digits,
    };
    let amount = Amount::parse(&plain.replace(',', "."), currency)
        .map_err(|error| Problem::Field(error.to_string()))?;
    match amount.minor < 0 {
        true => Err(Problem::Field(format!("expected 0 or more, got {amount}"))),
        false => Ok(amount),
    }
}

fn wrong(text: &str, currency: Currency) -> Problem {
    Problem::Field(format!(
        "expected an amount such as 42.99 in {currency}, got '{text}'"
    ))
}

/// Units as people type them; nothing for what is not counted.
pub(super) fn units(text: &str) -> Result<Option<u64>, Problem> {
    match text.is_empty() {
        true => Ok(None),
        false => text
            .parse()
            .map(Some)
            .map_err(|_| Problem::Field(format!("expected a whole number of units, got '{text}'"))),
    }
}

/// Texts between commas, none empty, none twice.
pub(super) fn listed(text: &str) -> Vec<String> {
    let mut listed: Vec<String> = Vec::new();
    for one in text.split([',', '،', '\n']).map(str::trim) {
        if !one.is_empty() && !listed.iter().any(|known| known == one) {
            listed.push(one.to_owned());
        }
    }
    listed
}

/// A variant as a row of fields.
pub(super) struct Cell {
    pub(super) label: String,
    pub(super) sku: String,
    /// The end of the names of its fields.
    pub(super) name: String,
    pub(super) price: String,
    pub(super) stock: String,
    /// What the fields hold without the owner.
    pub(super) was: String,
    pub(super) sold_out: bool,
}

impl Cell {
    /// The cell of a variant in a form, as it is or as it was typed when the form was refused.
    pub(super) fn of(page: &Page, act: &str, key: &str, listing: &ListingId, variant: &VariantView) -> Self {
        let name = format!("{listing}.{}", variant.variant);
        let price = variant
            .price
            .map(|price| words::plain_amount(&price))
            .unwrap_or_default();
        let stock = variant.counted.map(|units| units.to_string()).unwrap_or_default();
        let kept = |field: &str, first: &str| page.kept_or(act, key, &format!("{field}.{name}"), first);
        Self {
            label: variant.label.clone(),
            sku: variant.sku.to_string(),
            price: kept("price", &price),
            stock: kept("stock", &stock),
            was: kept("was", &format!("{price}{BAR}{stock}")),
            sold_out: variant.available == Some(0),
            name,
        }
    }
    pub(super) fn all(
        page: &Page,
        act: &str,
        key: &str,
        listing: &ListingView,
        from: usize,
        most: usize,
    ) -> Vec<Self> {
        let variants = listing.variants.iter().skip(from).take(most);
        variants
            .map(|variant| Self::of(page, act, key, &listing.listing, variant))
            .collect()
    }
}

/// What changes in one listing.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) edit: ListingEdit,
    pub(super) stock: Vec<(VariantId, Option<u64>)>,
}

impl Changes {
    /// Nothing yet.
    pub(super) fn of(listing: ListingId) -> Self {
        Self {
            edit: ListingEdit::of(listing),
            stock: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.edit.is_empty() && self.stock.is_empty()
    }

    /// The commands for them.
    pub(super) fn commands(self) -> Vec<Command> {
        let (listing, mut commands) = (self.edit.listing, Vec::new());
        if !self.edit.is_empty() {
            commands.push(Command::EditListing(self.edit));
        }
        commands.extend(self.stock.into_iter().map(|(variant, units)| Command::SetStock {
            listing,
            variant: Some(variant),
            units,
        }));
        commands
    }
}

/// The changes of one listing among all.
fn changes_of(all: &mut BTreeMap<ListingId, Changes>, listing: ListingId) -> &mut Changes {
    all.entry(listing).or_insert_with(|| Changes::of(listing))
}

/// What the owner changed in the cells of a form and in the switches beside them, by listing. All of it is
/// read before any of it is done.
pub(super) fn changes(form: &Form, currency: Currency) -> Result<BTreeMap<ListingId, Changes>, Problem> {
    let mut all: BTreeMap<ListingId, Changes> = BTreeMap::new();
    for (name, was) in form.beginning("was.") {
        let Some((listing, variant)) = name.split_once('.') else {
            let published = form.ticked(&format!("on.{name}"));
            if published != (was == "1") {
                changes_of(&mut all, parse(name)?).edit.published = Some(published);
            }
            continue;
        };
        let (was_price, was_stock) = was.split_once(BAR).unwrap_or_default();
        let (listing, variant): (ListingId, VariantId) = (parse(listing)?, parse(variant)?);
        let price = form.text(&format!("price.{name}"));
        if price != was_price {
            let price = amount(price, currency)?;
            // The same written otherwise is no change.
            if words::plain_amount(&price) != was_price {
                changes_of(&mut all, listing).edit.prices.insert(variant, price);
            }
        }
        let stock = form.text(&format!("stock.{name}"));
        if stock != was_stock {
            changes_of(&mut all, listing).stock.push((variant, units(stock)?));
        }
    }
    Ok(all)
}

/// Carries changes out, listing by listing, and has the inventory know them. Says how many listings changed.
pub(super) async fn carry_out(page: &Page, all: BTreeMap<ListingId, Changes>) -> Result<usize, Problem> {
    let ids: Vec<ListingId> = all.keys().copied().collect();
    let mut refused = Ok(());
    'all: for changes in all.into_values() {
        for command in changes.commands() {
            if let Err(problem) = page.carry_out(command).await {
                refused = Err(problem);
                break 'all;
            }
        }
    }
    let changed = ids.len();
    renew(page, ids).await?;
    refused?;
    Ok(changed)
}

/// Has the inventory read these listings anew.
pub(super) async fn renew(page: &Page, ids: Vec<ListingId>) -> Result<(), Problem> {
    let (shelf, node) = (page.app.shelf.clone(), page.app.node.clone());
    Ok(super::super::super::app::blocking(move || shelf.renew(&node, &ids)).await??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_point_or_comma_and_never_guessed() {
        let minor = |text: &str| amount(text, Currency::EUR).map(|amount| amount.minor).ok();
        for (text, read) in [
            ("4.90", Some(490)),
            (" 4,90 ", Some(490)),
            ("4,9", Some(490)),
            ("1.234,50", Some(123_450)),
            ("1,234.50", Some(123_450)),
            ("1 234,50", Some(123_450)),
            ("12", Some(1_200)),
            ("1,234", None),
            ("1.234.50", None),
            ("1,2,3", None),
            ("-1", None),
            ("", None),
            ("4.90 USD", None),
            ("abc", None),
        ] {
            assert_eq!(minor(text), read, "{text}");
        }
        let yen = "JPY".parse().unwrap();
        assert_eq!(amount("700", yen).unwrap().minor, 700);
        assert!(amount("7.5", yen).is_err());
    }

    #[test]
    fn only_what_was_changed_becomes_a_command() {
        let listing = ListingId::from_bytes([1; 16]);
        let (one, two) = (VariantId::from_bytes([1; 8]), VariantId::from_bytes([2; 8]));
        let mut form = Form::default();
        for variant in [one, two] {
            form.set(&format!("was.{listing}.{variant}"), "4.90|3");
            form.set(&format!("price.{listing}.{variant}"), "4,9");
            form.set(&format!("stock.{listing}.{variant}"), "3");
        }
        form.set(&format!("was.{listing}"), "1");
        form.set(&format!("on.{listing}"), "1");
        assert!(changes(&form, Currency::EUR).unwrap().is_empty());
        form.set(&format!("price.{listing}.{one}"), "5");
        form.set(&format!("stock.{listing}.{two}"), "");
        let all = changes(&form, Currency::EUR).unwrap();
        let commands = all.into_values().next().unwrap().commands();
        assert_eq!(commands.len(), 2);
        assert!(matches!(&commands[1], Command::SetStock { units: None, variant: Some(v), .. } if *v == two));
        form.set(&format!("price.{listing}.{one}"), "x");
        assert!(changes(&form, Currency::EUR).is_err());
    }
}
