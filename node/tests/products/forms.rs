//! The many forms that a file may come in.

use souk_node::products::{ProductKind, Warning, read_shopify};

use super::{products, read};

#[test]
fn columns_may_come_in_any_order_and_case_and_with_strangers_between() {
    let file =
        products("colour of the sky,VARIANT price, Title ,Price / US,HANDLE\nblue,3.20,Cup,9.99,cup\n");
    assert_eq!(
        (file.len(), file[0].handle.as_str(), file[0].title.as_str()),
        (1, "cup", "Cup")
    );
    assert_eq!(file[0].variants[0].price_minor, 320);
}

#[test]
fn rows_of_one_product_need_not_stand_together() {
    let file = products(
        "Handle,Title,Option1 Name,Option1 Value,Variant Price\n\
         cup,Cup,Size,S,1\npot,Pot,Title,Default Title,2\ncup,,,M,3\n",
    );
    assert_eq!(
        file.iter()
            .map(|product| product.variants.len())
            .collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!(file[0].variants[1].options, ["M"]);
}

#[test]
fn a_row_with_a_picture_alone_is_no_variant() {
    let file = products(
        "Handle,Title,Variant Price,Image Src,Variant Grams\n\
         cup,Cup,1,https://example.com/1.jpg,\ncup,,,https://example.com/2.jpg,0\n",
    );
    assert_eq!((file[0].variants.len(), file[0].images.len()), (1, 2));
}

#[test]
fn a_heading_row_is_no_variant_and_a_product_alone_is_one() {
    let text = "Handle,Title,Option1 Name,Option1 Value,Variant Price\ncup,Cup,Size,,\ncup,,,S,1\ncup,,,M,2\npot,Pot,,,\n";
    let file = read(text).expect("the file is read");
    assert_eq!(file.products[0].variants.len(), 2);
    assert_eq!(
        (
            file.products[1].variants.len(),
            file.products[1].variants[0].price_minor
        ),
        (1, 0)
    );
    let blank = Warning::BlankPrice {
        line: 5,
        handle: "pot".to_owned(),
    };
    assert_eq!(file.warnings, [blank]);
}

#[test]
fn a_row_without_a_handle_belongs_to_the_product_above() {
    let file = products(
        "Title,URL handle,Option1 name,Option1 value,Price\nCup,cup,Size,S,1\n,,,M,2\nPot,,,,3\nPot,,,,3\n",
    );
    assert_eq!(
        file.iter()
            .map(|product| product.handle.as_str())
            .collect::<Vec<_>>(),
        ["cup", "pot"]
    );
    assert_eq!(file[0].variants.len(), 2);
}

#[test]
fn two_titles_never_share_a_handle_that_was_made_for_them() {
    let file = products("Title,Price\nA+B,1\nA B,2\nA+B,1\n");
    let made: Vec<_> = file
        .iter()
        .map(|product| (product.handle.as_str(), product.variants[0].price_minor))
        .collect();
    assert_eq!(made, [("a-b", 100), ("a-b-1", 200)]);
}

#[test]
fn line_ends_marks_and_quotes_of_all_systems_are_read() {
    let rows = [
        "Handle,Title,Body (HTML),Variant Price",
        "cup,\"A \"\"good\"\", big cup\",\"<p>one</p>\n\n<p>two</p>\",4.5",
    ];
    for end in ["\n", "\r\n", "\r"] {
        for mark in ["", "\u{feff}"] {
            let file = products(&format!("{mark}{}{end}", rows.join(end)));
            assert_eq!(file[0].title, "A \"good\", big cup");
            assert_eq!(
                (file[0].description.as_str(), file[0].variants[0].price_minor),
                ("one\n\ntwo", 450)
            );
        }
    }
}

#[test]
fn semicolons_and_decimal_commas_are_read_and_told() {
    let file =
        read("Handle;Title;Variant Price\ncup;Cup;1.234,50 €\npot;Pot;1.234\n").expect("the file is read");
    let prices: Vec<_> = file
        .products
        .iter()
        .map(|product| product.variants[0].price_minor)
        .collect();
    assert_eq!(prices, [123_450, 123_400]);
    assert_eq!(file.warnings.len(), 2, "{:?}", file.warnings);
    assert_eq!(file.warnings[0], Warning::Separator { actual: ';' });
}

#[test]
fn decimals_are_those_of_the_currency() {
    for (exponent, price, expected) in [
        (0, "1500", 1_500),
        (0, "1500.00", 1_500),
        (3, "1.234", 1_234),
        (3, "7.5", 7_500),
    ] {
        let text = format!("Title,Price\nCup,{price}\n");
        let file = read_shopify(text.as_bytes(), exponent, &mut |_| {}).expect("the file is read");
        assert_eq!(
            file.products[0].variants[0].price_minor, expected,
            "{price} with {exponent} decimals"
        );
    }
}

#[test]
fn weights_are_taken_in_their_unit() {
    let file = products(
        "Title,Price,Variant Grams,Variant Weight,Variant Weight Unit\n\
         A,1,250,,lb\nB,1,,2,kg\nC,1,,1,lb\nD,1,,16,oz\nE,1,,,kg\n",
    );
    let grams: Vec<_> = file
        .iter()
        .map(|product| product.variants[0].weight_grams)
        .collect();
    assert_eq!(grams, [Some(250), Some(2_000), Some(454), Some(454), None]);
}

#[test]
fn kinds_follow_from_gift_cards_shipping_and_type() {
    let file = products(
        "Title,Price,Requires shipping,Gift card,Type\n\
         A,1,true,false,\nB,1,FALSE,,\nC,1,true,true,\nD,1,no,,Service\nE,1,,,\n",
    );
    let kinds: Vec<_> = file.iter().map(|product| product.kind).collect();
    let (physical, digital) = (ProductKind::Physical, ProductKind::Digital);
    assert_eq!(
        kinds,
        [physical, digital, digital, ProductKind::Service, physical]
    );
}

#[test]
fn what_is_hidden_stays_hidden() {
    let file =
        products("Title,Price,Published,Status\nA,1,true,active\nB,1,false,active\nC,1,true,draft\nD,1,,\n");
    assert_eq!(
        file.iter().map(|product| product.published).collect::<Vec<_>>(),
        [true, false, false, true]
    );
}

#[test]
fn a_repeated_variant_is_read_once_and_told() {
    let file = read(
        "Handle,Title,Option1 Name,Option1 Value,Variant Price\ncup,Cup,Size,S,1\ncup,,,S,1.00\ncup,,,S,\n",
    );
    let file = file.expect("the file is read");
    assert_eq!((file.products[0].variants.len(), file.warnings.len()), (1, 2));
}

#[test]
fn unused_option_columns_leave_no_option() {
    let file = products(
        "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,Variant Price\n\
         cup,Cup,Size,S,Colour,,Glaze,Ash,1\ncup,,,M,,,,Blue,2\n",
    );
    assert_eq!(file[0].options, ["Size", "Glaze"]);
    assert_eq!(file[0].variants[1].options, ["M", "Blue"]);
}

#[test]
fn a_long_description_is_cut_between_characters_and_told() {
    let long = "ä".repeat(5_000);
    let file =
        read(&format!("Handle,Title,Price,Description\ncup,Cup,1,{long}\n")).expect("the file is read");
    assert_eq!(file.products[0].description.len(), 8_192);
    assert!(
        matches!(
            file.warnings.as_slice(),
            [Warning::Cut {
                line: 2,
                cut: 1_808,
                ..
            }]
        ),
        "{:?}",
        file.warnings
    );
}

#[test]
fn warnings_are_bounded_and_their_number_is_told() {
    let rows: String = (0..3_000).map(|n| format!("p{n},P,\n")).collect();
    let file = read(&format!("Handle,Title,Variant Price\n{rows}")).expect("the file is read");
    assert_eq!(file.products.len(), 3_000);
    assert_eq!(file.warnings.len(), 1_001);
    assert_eq!(file.warnings.last(), Some(&Warning::Further { count: 2_000 }));
}

#[test]
fn progress_only_rises_and_ends_at_the_end() {
    let rows: String = (0..2_000).map(|n| format!("p{n},P,1\n")).collect();
    let text = format!("Handle,Title,Variant Price\n{rows}");
    let mut told = Vec::new();
    read_shopify(text.as_bytes(), 2, &mut |bytes| told.push(bytes)).expect("the file is read");
    assert!(told.len() > 5 && told.is_sorted(), "{told:?}");
    assert_eq!(told.last().copied(), Some(text.len() as u64));
}
