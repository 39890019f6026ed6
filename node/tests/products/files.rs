//! Whole files: ours, and any that the environment names.

use std::path::PathBuf;

use souk_node::products::{Product, ProductKind, Warning, read_shopify, write_shopify};

const NEWER: &[u8] = include_bytes!("../samples/newer-template.csv");
const DEMO: &[u8] = include_bytes!("../../../cli/assets/sample-products.csv");

fn euros(bytes: &[u8]) -> souk_node::products::ProductFile {
    read_shopify(bytes, 2, &mut |_| {}).expect("the file is read")
}

fn written(products: &[Product]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_shopify(products, 2, &mut bytes).expect("the products are written");
    bytes
}

#[test]
fn the_newer_template_is_read_whole() {
    let file = euros(NEWER);
    let [jacket, card, umbrella] = file.products.as_slice() else {
        panic!("expected three products, got {:?}", file.products);
    };
    assert_eq!(
        (jacket.title.as_str(), jacket.kind, jacket.published),
        ("Rain Jacket", ProductKind::Physical, true)
    );
    assert_eq!(
        jacket.description,
        "Keeps rain out, and you in.\n\nSaid our aunt: \"finally\"."
    );
    assert_eq!(
        jacket.category.as_deref(),
        Some("Apparel & Accessories > Clothing > Outerwear")
    );
    assert_eq!(jacket.product_type.as_deref(), Some("Jackets"));
    assert_eq!(jacket.tags, ["rain", "jacket"]);
    assert_eq!(jacket.options, ["Size", "Colour"]);
    let prices: Vec<_> = jacket
        .variants
        .iter()
        .map(|v| (v.price_minor, v.compare_at_minor))
        .collect();
    assert_eq!(
        prices,
        [(112_900, Some(129_050)), (112_900, None), (115_050, None)]
    );
    let stock: Vec<_> = jacket
        .variants
        .iter()
        .map(|v| (v.tracked, v.quantity, v.oversell))
        .collect();
    assert_eq!(
        stock,
        [
            (true, Some(3), false),
            (true, Some(-2), true),
            (false, None, false)
        ]
    );
    assert_eq!(
        jacket.variants.iter().map(|v| v.weight_grams).collect::<Vec<_>>(),
        [Some(613), Some(640), None]
    );
    let images: Vec<_> = jacket
        .images
        .iter()
        .map(|i| i.source_url.rsplit('/').next().unwrap_or(""))
        .collect();
    assert_eq!(images, ["jacket-1.jpg", "jacket-2.jpg", "hood.jpg"]);
    assert_eq!(
        jacket.variants[0].image.as_deref(),
        Some("https://example.com/regenwerk/jacket-2.jpg")
    );
    assert_eq!(
        (card.kind, card.variants.len(), card.variants[1].price_minor),
        (ProductKind::Digital, 2, 2_500)
    );
    assert_eq!(
        (umbrella.handle.as_str(), umbrella.published),
        ("umbrella", false)
    );
    assert_eq!(
        (umbrella.options.len(), umbrella.variants[0].price_minor),
        (0, 50)
    );
    assert_eq!(
        file.warnings,
        [Warning::NoHandle {
            line: 10,
            handle: "umbrella".to_owned()
        }]
    );
}

#[test]
fn the_demos_own_file_is_read_without_a_warning_and_shows_every_kind() {
    let file = euros(DEMO);
    assert_eq!(file.warnings, []);
    assert_eq!((file.products.len(), file.variant_count()), (24, 83));
    for kind in [ProductKind::Physical, ProductKind::Digital, ProductKind::Service] {
        assert!(
            file.products.iter().any(|product| product.kind == kind),
            "{kind:?}"
        );
    }
    assert!(file.products.iter().any(|product| !product.published));
    assert!(file.products.iter().any(|product| product.options.len() == 3));
    let sum: i64 = file
        .products
        .iter()
        .flat_map(|p| &p.variants)
        .map(|v| v.price_minor)
        .sum();
    assert_eq!(sum, prices_by_hand(DEMO));
}

/// The sum of a file's prices by another way: every cell of the price column, its digits alone.
fn prices_by_hand(bytes: &[u8]) -> i64 {
    let mut rows = csv::Reader::from_reader(bytes);
    let header = rows.headers().expect("a header").clone();
    let price = header
        .iter()
        .position(|name| name == "Variant Price")
        .expect("a price column");
    let cents = |cell: &str| cell.replace('.', "").parse::<i64>().expect("two decimals each");
    rows.records()
        .map(|row| row.expect("a row")[price].to_owned())
        .filter(|cell| !cell.is_empty())
        .map(|c| cents(&c))
        .sum()
}

#[test]
fn what_is_written_reads_back() {
    for bytes in [NEWER, DEMO] {
        let products = euros(bytes).products;
        assert_eq!(euros(&written(&products)).products, products);
    }
}

/// Real files are not ours to keep: the folder with them is named by `SOUK_DATA`.
#[test]
fn files_of_real_shops_are_read_to_the_cent() {
    let Some(folder) = std::env::var_os("SOUK_DATA").map(PathBuf::from) else {
        println!("skipped: SOUK_DATA names no folder with shopify-*.csv");
        return;
    };
    let mut read = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("")
            .to_owned();
        if !name.starts_with("shopify-") || !name.ends_with(".csv") {
            continue;
        }
        let bytes = std::fs::read(&path).expect("the file is there");
        let file = euros(&bytes);
        println!(
            "{name}: {} products, {} variants",
            file.products.len(),
            file.variant_count()
        );
        for warning in &file.warnings {
            println!("  {warning}");
        }
        for product in &file.products {
            for variant in &product.variants {
                println!(
                    "price\t{name}\t{}\t{}\t{}",
                    product.handle,
                    variant.options.join("/"),
                    variant.price_minor
                );
            }
        }
        assert_eq!(euros(&written(&file.products)).products, file.products, "{name}");
        read += 1;
    }
    assert!(read > 0, "no shopify-*.csv in {}", folder.display());
}
