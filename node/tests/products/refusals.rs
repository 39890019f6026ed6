//! What is refused, and in which words.

use souk_node::products::{ExportError, ImportError, Product, Variant, read_shopify, write_shopify};

use super::read;

fn refused(bytes: &[u8]) -> String {
    match read_shopify(bytes, 2, &mut |_| {}) {
        Ok(file) => panic!("expected a refusal, got {file:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_file_that_cannot_be_understood_is_refused_with_the_place_and_the_reason() {
    for (bytes, words) in [
        (&b""[..], "empty file"),
        (b" \r\n ", "empty file"),
        (b"\xff\xfeH\0a\0", "UTF-16"),
        (b"Title,Price\nCup\0,1", "a zero byte at byte 15"),
        (
            b"Title,Price\nCup,1\nCaf\xe9,2\n",
            "line 3: expected UTF-8, got the byte 0xe9 at byte 21",
        ),
        (b"\x89PNG\r\n\x1a\n", "expected UTF-8"),
        (b"Dear merchant,\nhere are my products.\n", "'Title' or 'Handle'"),
        (
            b"Handle,Title\ncup,Cup\n",
            "'Variant Price' or 'Price', got 'Handle', 'Title'",
        ),
        (b"Variant Price,Vendor\n1,V\n", "'Title' or 'Handle'"),
        (b"Title,Price\n", "expected products below"),
        (b"Title,Price\n,,\n\n", "expected products below"),
        (b"Title,Price\nA,1\n\"Cup,2\nB,3\n", "line 3: the quote"),
        (
            b"Title,Price\n\"A \"good\" cup\",1\n",
            "line 2: expected a separator after a closing quote, got 'g'",
        ),
        (
            b"Title,Price\n\n\nCup,1,234.50\n",
            "line 4: expected at most 2 cells",
        ),
        (b"Title,Price\n,1\n", "line 2: expected a handle or a title"),
        (
            b"Title,Price\nCup,cheap\n",
            "line 2, column 'Price': expected a price such as 42.99, got 'cheap'",
        ),
        (
            b"Title,Price\nCup,-1\n",
            "expected a price of 0 or more, got '-1'",
        ),
        (
            b"Title,Price\nCup,1.999\nPot,1.5\n",
            "line 2, column 'Price': expected at most 2 decimals in this currency",
        ),
        (
            b"Title,Price\nCup,99999999999999999999\n",
            "expected a price of at most",
        ),
        (
            b"Title,Price\nCup,1.234\n",
            "'1.234' may be a fraction or a thousand",
        ),
        (
            b"Title,Price\nCup,1.5\nPot,\"1,5\"\n",
            "got a point in '1.5' on line 2 and a comma in '1,5' on line 3",
        ),
        (
            b"Title,Price,Compare-at price\nCup,1,x\n",
            "column 'Compare-at price'",
        ),
    ] {
        let error = refused(bytes);
        assert!(error.contains(words), "expected '{words}' in '{error}'");
    }
}

#[test]
fn variants_that_differ_under_the_same_options_are_refused() {
    let error = read("Handle,Title,Option1 Name,Option1 Value,Variant Price\ncup,Cup,Size,S,1\ncup,,,S,2\n");
    assert!(
        matches!(
            &error,
            Err(ImportError::DuplicateVariant {
                line: 3,
                first_line: 2,
                ..
            })
        ),
        "{error:?}"
    );
    let error = read("Handle,Title,Variant Price,Variant SKU\ncup,Cup,1,a\ncup,,1,b\n");
    assert!(
        matches!(
            &error,
            Err(ImportError::DuplicateVariant {
                differing: "the SKU",
                ..
            })
        ),
        "{error:?}"
    );
}

#[test]
fn more_variants_than_a_product_may_have_are_refused() {
    let rows: String = (0..2_049).map(|n| format!("cup,Cup,Size,{n},1\n")).collect();
    let error = read(&format!(
        "Handle,Title,Option1 Name,Option1 Value,Variant Price\n{rows}"
    ));
    assert!(
        matches!(&error, Err(ImportError::TooManyVariants { line: 2_050, .. })),
        "{error:?}"
    );
}

#[test]
fn a_file_over_its_limit_is_refused_without_being_held() {
    let endless = std::io::repeat(b'x');
    let error = read_shopify(endless, 2, &mut |_| {});
    assert!(matches!(error, Err(ImportError::TooManyBytes)), "{error:?}");
}

#[test]
fn what_cannot_be_read_back_is_not_written() {
    let product = |options: Vec<String>, variant: Variant| Product {
        handle: "cup".to_owned(),
        options,
        variants: vec![variant],
        ..Product::default()
    };
    let write = |product| write_shopify(&[product], 2, Vec::new());
    let negative = Variant {
        price_minor: -1,
        ..Variant::default()
    };
    assert!(matches!(
        write(product(vec![], negative)),
        Err(ExportError::NegativePrice { actual: -1, .. })
    ));
    let size = vec!["Size".to_owned()];
    assert!(matches!(
        write(product(size, Variant::default())),
        Err(ExportError::OptionValues { .. })
    ));
    let four = vec![String::new(); 4];
    assert!(matches!(
        write(product(four, Variant::default())),
        Err(ExportError::TooManyOptions { .. })
    ));
}
