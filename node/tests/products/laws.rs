//! Laws over files that nobody wrote by hand.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use souk_node::products::{Image, Product, ProductKind, Variant, read_shopify, write_shopify};

fn word() -> impl Strategy<Value = String> {
    "[A-Za-zäöüß0-9\"';<&=@+-]([A-Za-zäöüé ,0-9\"';<&.-]{0,14}[a-zß0-9>\"])?"
}

fn variant(options: Vec<String>) -> impl Strategy<Value = Variant> {
    let prices = (0_i64..=1_000_000_000, option::of(1_i64..=1_000_000_000));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let stock = (option::of(0_u64..=u64::from(u32::MAX)), option::of(any::<i64>()));
    (prices, flags, stock, "[A-Z0-9-]{0,10}", "[0-9]{0,13}").prop_map(
        move |(prices, flags, stock, sku, barcode)| Variant {
            options: options.clone(),
            sku,
            barcode,
            price_minor: prices.0,
            compare_at_minor: prices.1,
            weight_grams: stock.0,
            requires_shipping: flags.0,
            tracked: flags.1,
            quantity: stock.1,
            oversell: flags.2,
            image: None,
        },
    )
}

fn variants(width: usize) -> impl Strategy<Value = Vec<Variant>> {
    let count = if width == 0 { 1..=1 } else { 1..=5 };
    btree_set(vec(word(), width), count)
        .prop_flat_map(|values| values.into_iter().map(variant).collect::<Vec<_>>())
}

fn product() -> impl Strategy<Value = Product> {
    let choice = btree_set(word(), 0..=3).prop_flat_map(|names| {
        let width = names.len();
        (Just(names.into_iter().collect::<Vec<_>>()), variants(width))
    });
    let said = (
        word(),
        option::of(word()),
        option::of(word()),
        vec("[a-zé]{1,8}", 0..4),
        any::<bool>(),
    );
    let lines = vec("[a-z<&>\"é]{1,6}( [a-z<&>\"é]{1,6}){0,3}", 0..4);
    (choice, said, lines, vec(word(), 0..4), "[a-z-]{1,8}").prop_map(
        |((options, variants), said, lines, alts, handle)| {
            let (title, category, product_type, tags, published) = said;
            let images: Vec<Image> = alts
                .into_iter()
                .enumerate()
                .map(|(number, alt)| Image {
                    source_url: format!("https://example.com/{number}.jpg"),
                    alt,
                })
                .collect();
            let sent = variants.iter().any(|variant| variant.requires_shipping);
            let mut seen = BTreeSet::new();
            let mut product = Product {
                handle,
                title,
                description: lines.join("\n\n").replace(" x", "\nx"),
                vendor: String::new(),
                category: category.or(product_type.clone()),
                product_type,
                kind: if sent {
                    ProductKind::Physical
                } else {
                    ProductKind::Digital
                },
                tags: tags.into_iter().filter(|tag| seen.insert(tag.clone())).collect(),
                published,
                options,
                images,
                variants,
            };
            let pictured: Option<String> = product.images.first().map(|image| image.source_url.clone());
            if let Some(variant) = product.variants.first_mut() {
                variant.image = pictured;
            }
            product
        },
    )
}

fn shop() -> impl Strategy<Value = Vec<Product>> {
    vec(product(), 1..6).prop_map(|products| {
        let numbered = products.into_iter().enumerate();
        numbered
            .map(|(number, product)| Product {
                handle: format!("{}{number}", product.handle),
                ..product
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn products_read_back_as_they_were_written(products in shop(), exponent in 0_u8..=3) {
        let mut bytes = Vec::new();
        write_shopify(&products, exponent, &mut bytes).expect("the products are written");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match read_shopify(bytes.as_slice(), exponent, &mut |_| {}) {
            Ok(file) => prop_assert_eq!(file.products, products, "{}", text),
            Err(error) => prop_assert!(false, "{}\n{}", error, text),
        }
    }

    #[test]
    fn every_price_arrives_to_the_cent(prices in vec(0_i64..=99_999_999, 1..40)) {
        let rows: String =
            prices.iter().enumerate().map(|(n, price)| format!("p{n},P,{}.{:02}\n", price / 100, price % 100)).collect();
        let text = format!("Handle,Title,Variant Price\n{rows}");
        let file = read_shopify(text.as_bytes(), 2, &mut |_| {}).expect("the file is read");
        let read: Vec<i64> = file.products.iter().map(|product| product.variants[0].price_minor).collect();
        prop_assert_eq!(read, prices);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = read_shopify(bytes.as_slice(), 2, &mut |_| {});
    }

    #[test]
    fn no_rows_make_it_panic_and_what_is_read_is_whole(rows in vec(vec(cell(), 0..14), 0..12), exponent in 0_u8..=4) {
        let header = "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Option2 Value,Variant SKU,Variant Grams,\
                      Variant Price,Variant Compare At Price,Image Src,Image Position,Variant Image,Tags";
        let rows: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        let text = format!("{header}\n{}", rows.join("\n"));
        if let Ok(file) = read_shopify(text.as_bytes(), exponent, &mut |_| {}) {
            for product in &file.products {
                prop_assert!(!product.variants.is_empty() && !product.title.is_empty() && !product.handle.is_empty());
                for variant in &product.variants {
                    prop_assert_eq!(variant.options.len(), product.options.len());
                    prop_assert!(variant.price_minor >= 0);
                    let shown = |url: &String| product.images.iter().any(|image| image.source_url == *url);
                    prop_assert!(variant.image.as_ref().is_none_or(shown));
                }
            }
            let mut bytes = Vec::new();
            write_shopify(&file.products, exponent, &mut bytes).expect("what was read is written");
            let again = read_shopify(bytes.as_slice(), exponent, &mut |_| {});
            prop_assert_eq!(again.map(|file| file.products).map_err(|error| error.to_string()), Ok(file.products));
        }
    }
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        2 => "[a-c]{1,2}",
        2 => "[0-9]{1,3}(\\.[0-9]{1,2})?",
        1 => "https://example\\.com/[a-c]\\.jpg",
        1 => "\"[^\"\\PC]{0,12}\"",
        1 => "[^,\"\\PC]{0,8}",
    ]
}
