//! Laws of search: what was put is found, what was removed is gone, and no text that anybody types is an error.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use souk_node::search::{Document, Index, Query, SearchError, Sort, limits};

fn document(shop: &str, listing: &str, title: &str) -> Document {
    Document {
        key: format!("{shop}/{listing}"),
        shop: shop.to_owned(),
        listing: listing.to_owned(),
        title: title.to_owned(),
        currency: "EUR".to_owned(),
        kind: "physical".to_owned(),
        price_min_minor: 1_000,
        price_max_minor: 1_000,
        in_stock: true,
        ..Document::default()
    }
}

fn index_of(documents: &[Document]) -> Index {
    let index = Index::in_memory().expect("an index");
    index.put(documents).expect("they are put");
    index.commit().expect("they are committed");
    index
}

fn found(index: &Index, query: &Query) -> Vec<String> {
    let page = index.search(query).expect("the search is answered");
    page.hits.into_iter().map(|hit| hit.listing).collect()
}

fn found_by(index: &Index, text: &str) -> Vec<String> {
    found(index, &Query::text(text))
}

/// A small shop with something of everything.
fn bazaar() -> Vec<Document> {
    let base = |listing: &str, title: &str, updated_ms| Document {
        updated_ms,
        ..document("alice", listing, title)
    };
    vec![
        Document {
            description: "Poured by hand, smells of honey.".to_owned(),
            vendor: "Zoë's Apiary".to_owned(),
            categories: vec!["Home".to_owned(), "Candles".to_owned()],
            price_min_minor: 995,
            price_max_minor: 1_695,
            ..base("candle", "Beeswax Candle", 1)
        },
        Document {
            description: "Dark and a little resinous.".to_owned(),
            vendor: "Zoë's Apiary".to_owned(),
            categories: vec!["Food".to_owned()],
            options: vec!["250 g".to_owned(), "500 g".to_owned()],
            price_min_minor: 680,
            price_max_minor: 1_120,
            ..base("honey", "Forest Honey", 2)
        },
        Document {
            tags: vec!["kitchen".to_owned(), "honey".to_owned()],
            categories: vec!["Home".to_owned()],
            price_min_minor: 2_400,
            price_max_minor: 2_750,
            in_stock: false,
            ..base("pot", "Stoneware Pot", 3)
        },
        Document {
            kind: "service".to_owned(),
            currency: "USD".to_owned(),
            ..base("course", "Café course: crème brûlée", 4)
        },
    ]
}

#[test]
fn what_was_put_is_found_by_any_of_its_words() {
    let index = index_of(&bazaar());
    for (text, listings) in [
        ("candle", vec!["candle"]),
        ("BEESWAX candle", vec!["candle"]),
        ("resinous", vec!["honey"]),
        ("zoes apiary", vec!["candle", "honey"]),
        ("kitchen pot", vec!["pot"]),
        ("500 g", vec!["honey"]),
        ("cafe creme brulee", vec!["course"]),
        ("candle pot", vec![]),
        ("forest candle", vec![]),
        ("!!!", vec![]),
    ] {
        let found: BTreeSet<String> = found_by(&index, text).into_iter().collect();
        assert_eq!(found, listings.into_iter().map(str::to_owned).collect(), "{text}");
    }
}

#[test]
fn a_word_in_the_title_counts_more_than_a_label_and_a_label_more_than_a_description() {
    assert_eq!(
        found_by(&index_of(&bazaar()), "honey"),
        ["honey", "pot", "candle"]
    );
}

#[test]
fn the_last_word_may_be_the_beginning_of_one_and_others_may_not() {
    let index = index_of(&bazaar());
    assert_eq!(found_by(&index, "beeswax can"), ["candle"]);
    assert_eq!(found_by(&index, "fo"), ["honey"]);
    assert_eq!(found_by(&index, "bees candle"), Vec::<String>::new());
}

#[test]
fn one_wrong_letter_is_forgiven_when_nothing_matches_and_only_then() {
    let index = index_of(&bazaar());
    for text in ["beeswox candle", "beesax", "bseswax", "beeswaxx cnadle"] {
        let page = index.search(&Query::text(text)).expect("an answer");
        assert_eq!((page.hits.len(), page.corrected), (1, true), "{text}");
    }
    let page = index.search(&Query::text("candle")).expect("an answer");
    assert!(!page.corrected);
    let page = index.search(&Query::text("zzzzzz")).expect("an answer");
    assert_eq!((page.total, page.corrected), (0, false));
}

#[test]
fn filters_hold_whatever_the_text() {
    let mut documents = bazaar();
    documents.push(document("bob", "other", "Another candle"));
    let index = index_of(&documents);
    let base = Query::default;
    let euros = || Query {
        currency: Some("EUR".to_owned()),
        ..base()
    };
    for (query, listings) in [
        (
            Query {
                shop: Some("bob".to_owned()),
                ..base()
            },
            vec!["other"],
        ),
        (
            Query {
                category: Some("Home".to_owned()),
                ..base()
            },
            vec!["candle", "pot"],
        ),
        (
            Query {
                vendor: Some("Zoë's Apiary".to_owned()),
                ..base()
            },
            vec!["candle", "honey"],
        ),
        (
            Query {
                kind: Some("service".to_owned()),
                ..base()
            },
            vec!["course"],
        ),
        (
            Query {
                currency: Some("USD".to_owned()),
                ..base()
            },
            vec!["course"],
        ),
        (
            Query {
                category: Some("Home".to_owned()),
                in_stock: true,
                ..base()
            },
            vec!["candle"],
        ),
        (
            Query {
                price_to_minor: Some(700),
                ..euros()
            },
            vec!["honey"],
        ),
        (
            Query {
                price_from_minor: Some(1_121),
                ..euros()
            },
            vec!["candle", "pot"],
        ),
        (
            Query {
                price_from_minor: Some(1_000),
                price_to_minor: Some(1_000),
                ..euros()
            },
            vec!["candle", "honey", "other"],
        ),
        (
            Query {
                price_from_minor: Some(5_000),
                price_to_minor: Some(1),
                ..euros()
            },
            vec![],
        ),
        (
            Query {
                shop: Some("alice".to_owned()),
                text: "candle".to_owned(),
                ..base()
            },
            vec!["candle"],
        ),
        (
            Query {
                shop: Some("eve".to_owned()),
                text: "candle".to_owned(),
                ..base()
            },
            vec![],
        ),
    ] {
        let found: BTreeSet<String> = found(&index, &query).into_iter().collect();
        assert_eq!(
            found,
            listings.into_iter().map(str::to_owned).collect(),
            "{query:?}"
        );
    }
}

#[test]
fn hits_come_in_the_order_asked_for() {
    let index = index_of(&bazaar());
    let euros = |sort| Query {
        currency: Some("EUR".to_owned()),
        sort,
        ..Query::default()
    };
    assert_eq!(found(&index, &euros(Sort::PriceUp)), ["honey", "candle", "pot"]);
    assert_eq!(found(&index, &euros(Sort::PriceDown)), ["pot", "candle", "honey"]);
    assert_eq!(found(&index, &euros(Sort::Newest)), ["pot", "honey", "candle"]);
    assert_eq!(
        found(&index, &Query::default()),
        ["course", "pot", "honey", "candle"]
    );
}

#[test]
fn facets_count_all_hits_and_not_the_page_alone() {
    let index = index_of(&bazaar());
    let query = Query {
        limit: 1,
        facets: true,
        ..Query::default()
    };
    let page = index.search(&query).expect("an answer");
    let said = |values: &[souk_node::search::FacetValue]| {
        values
            .iter()
            .map(|facet| (facet.value.clone(), facet.count))
            .collect::<Vec<_>>()
    };
    let owned = |values: &[(&str, usize)]| {
        values
            .iter()
            .map(|(v, n)| ((*v).to_owned(), *n))
            .collect::<Vec<_>>()
    };
    assert_eq!((page.hits.len(), page.total), (1, 4));
    assert_eq!(
        said(&page.facets.categories),
        owned(&[("Home", 2), ("Candles", 1), ("Food", 1)])
    );
    assert_eq!(
        said(&page.facets.kinds),
        owned(&[("physical", 3), ("service", 1)])
    );
    assert_eq!(said(&page.facets.vendors), owned(&[("Zoë's Apiary", 2)]));
}

#[test]
fn pages_part_the_hits_without_gap_or_overlap() {
    let documents: Vec<Document> = (0..95)
        .map(|n| document("alice", &n.to_string(), "Cup"))
        .collect();
    let index = index_of(&documents);
    let mut seen = BTreeSet::new();
    for offset in (0..100).step_by(10) {
        let query = Query {
            offset,
            limit: 10,
            ..Query::text("cup")
        };
        let page = index.search(&query).expect("an answer");
        assert_eq!(page.total, 95);
        seen.extend(page.hits.into_iter().map(|hit| hit.key));
    }
    assert_eq!(seen.len(), 95);
    let none = index.search(&Query {
        limit: 0,
        ..Query::text("cup")
    });
    assert_eq!(
        none.map(|page| (page.hits.len(), page.total)).expect("an answer"),
        (0, 95)
    );
}

#[test]
fn a_question_out_of_bounds_is_refused_by_name() {
    let index = index_of(&[]);
    let ask = |query: Query| index.search(&query);
    let base = Query::default;
    assert!(matches!(
        ask(Query { limit: 101, ..base() }),
        Err(SearchError::Limit(101))
    ));
    assert!(matches!(
        ask(Query {
            offset: 10_001,
            ..base()
        }),
        Err(SearchError::Offset(10_001))
    ));
    assert!(matches!(
        ask(Query {
            sort: Sort::PriceUp,
            ..base()
        }),
        Err(SearchError::CurrencyMissing)
    ));
    assert!(matches!(
        ask(Query {
            price_to_minor: Some(1),
            ..base()
        }),
        Err(SearchError::CurrencyMissing)
    ));
}

#[test]
fn what_was_put_twice_is_found_once_as_it_was_put_last() {
    let index = index_of(&[document("alice", "a", "Cup"), document("alice", "a", "Bowl")]);
    assert_eq!(
        (
            found_by(&index, "cup").len(),
            found_by(&index, "bowl").len(),
            index.len()
        ),
        (0, 1, 1)
    );
    index.put(&[document("alice", "a", "Plate")]).expect("it is put");
    assert_eq!(
        found_by(&index, "bowl").len(),
        1,
        "nothing is seen before the commit"
    );
    index.commit().expect("it is committed");
    assert_eq!(
        (
            found_by(&index, "bowl").len(),
            found_by(&index, "plate").len(),
            index.len()
        ),
        (0, 1, 1)
    );
}

#[test]
fn what_was_removed_is_gone_and_nothing_else() {
    let index = index_of(&bazaar());
    index.remove(&["alice/honey", "alice/never-there"]);
    index.commit().expect("it is committed");
    assert_eq!(found_by(&index, "resinous").len(), 0);
    assert_eq!(index.len(), 3);
}

#[test]
fn a_reopened_index_finds_what_was_committed_and_knows_its_mark() {
    let dir = tempfile::tempdir().expect("a directory");
    let index = Index::open(dir.path()).expect("it opens");
    assert!(index.rebuild_needed());
    index.put(&bazaar()).expect("they are put");
    index.commit().expect("they are committed");
    assert!(
        index.rebuild_needed(),
        "a fill that did not say that it is whole is not whole"
    );
    index.commit_at(42).expect("they are committed");
    index.remove(&["alice/pot"]);
    index.commit().expect("it is committed");
    index
        .put(&[document("alice", "late", "Never committed")])
        .expect("it is put");
    drop(index);
    let index = Index::open(dir.path()).expect("it opens again");
    assert_eq!(
        (index.rebuild_needed(), index.mark(), index.len()),
        (false, Some(42), 3)
    );
    assert_eq!(found_by(&index, "candle"), ["candle"]);
    index.clear().expect("it is cleared");
    index.commit().expect("it is committed");
    assert!(index.is_empty() && index.rebuild_needed());
}

#[test]
fn an_index_in_use_is_not_opened_twice_and_not_harmed() {
    let dir = tempfile::tempdir().expect("a directory");
    let index = Index::open(dir.path()).expect("it opens");
    index.put(&bazaar()).expect("they are put");
    index.commit_at(1).expect("they are committed");
    assert!(matches!(Index::open(dir.path()), Err(SearchError::InUse)));
    assert_eq!(found_by(&index, "candle"), ["candle"]);
}

#[test]
fn an_index_of_another_version_is_removed_and_what_is_not_an_index_is_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("v0")).expect("an old index");
    std::fs::create_dir(dir.path().join("vault")).expect("something else");
    std::fs::write(dir.path().join("v7"), "a file").expect("a file");
    let index = Index::open(dir.path()).expect("it opens");
    assert!(index.rebuild_needed());
    assert!(!dir.path().join("v0").exists());
    assert!(dir.path().join("vault").exists() && dir.path().join("v7").exists());
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("the directory is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.retain(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "lock"));
    files
}

fn committed_index() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let index = Index::open(dir.path()).expect("it opens");
    index.put(&bazaar()).expect("they are put");
    index.commit_at(9).expect("they are committed");
    drop(index);
    let own = dir.path().join("v1");
    (dir, own)
}

/// After damage an index either asks to be filled again or answers as before; it never opens to something else.
fn opens_honestly(dir: &Path, what: &str) {
    let index = Index::open(dir).unwrap_or_else(|error| panic!("{what}: {error}"));
    if index.rebuild_needed() {
        index.clear().expect("it is cleared");
        index.put(&bazaar()).expect("they are put");
        index.commit_at(10).expect("they are committed");
    }
    assert_eq!(
        (found_by(&index, "candle"), index.len()),
        (vec!["candle".to_owned()], 4),
        "{what}"
    );
}

#[test]
fn a_damaged_file_is_noticed_and_the_index_begun_anew() {
    let (_kept, own) = committed_index();
    for file in files(&own) {
        let name = file.file_name().expect("a name").to_owned();
        for damage in ["gone", "empty", "cut", "flipped"] {
            let (dir, own) = committed_index();
            // Segments have random names; the same kind of file is hit in each.
            let target = files(&own)
                .into_iter()
                .find(|path| path.extension() == Path::new(&name).extension());
            let target = target.expect("a file of this kind");
            let mut bytes = std::fs::read(&target).expect("it is read");
            match damage {
                "gone" => std::fs::remove_file(&target).expect("it is removed"),
                "empty" => bytes.clear(),
                "cut" => bytes.truncate(bytes.len() / 2),
                _ => {
                    if let Some(byte) = bytes.get_mut(0) {
                        *byte ^= 0x10;
                    }
                }
            }
            if damage != "gone" {
                std::fs::write(&target, bytes).expect("it is written");
            }
            opens_honestly(dir.path(), &format!("{} {damage}", target.display()));
        }
    }
}

/// The list of segments has no checksum of its own, so what it says is held against the segments;
/// the number of deletions is not believed at all.
#[test]
fn a_list_of_segments_that_says_otherwise_than_they_do_is_noticed() {
    for (said, otherwise, noticed) in [
        ("\"max_doc\": 5", "\"max_doc\": 7", true),
        ("\"num_deleted_docs\": 1", "\"num_deleted_docs\": 3", false),
        ("\"deletes\": {", "\"deletds\": {", true),
        ("\"payload\": \"9 ", "\"payload\": \"8 ", true),
        ("\"segments\":", "\"segmenus\":", true),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let index = Index::open(dir.path()).expect("it opens");
        index.put(&bazaar()).expect("they are put");
        index
            .put(&[document("alice", "gone", "Soon gone candle")])
            .expect("it is put");
        index.commit_at(8).expect("they are committed");
        index.remove(&["alice/gone"]);
        index.commit_at(9).expect("they are committed");
        drop(index);
        let list = dir.path().join("v1").join("meta.json");
        let text = std::fs::read_to_string(&list).expect("it is read");
        assert!(text.contains(said), "{said} in {text}");
        std::fs::write(&list, text.replace(said, otherwise)).expect("it is written");
        let index = Index::open(dir.path()).expect("it opens");
        assert_eq!(index.rebuild_needed(), noticed, "{otherwise}");
        drop(index);
        opens_honestly(dir.path(), otherwise);
    }
}

fn any_query() -> impl Strategy<Value = Query> {
    let text = prop_oneof![
        "\\PC{0,60}",
        "[a-z]{1,6}([ \\-+\"*:()~^\\[\\]{}/\\\\!]{1,3}[a-z]{0,6}){0,20}",
        "(AND|OR|NOT|IN|TO|title:|\\*|~9|\\^1e9|\\[\\* TO \\*\\]| ){0,12}",
        Just("x".repeat(5_000)),
        Just("a b ".repeat(2_000)),
        Just("é".repeat(600)),
    ];
    let filters = (
        proptest::option::of("\\PC{0,8}"),
        proptest::option::of(any::<i64>()),
        any::<bool>(),
    );
    let sort = prop_oneof![
        Just(Sort::Relevance),
        Just(Sort::PriceUp),
        Just(Sort::PriceDown),
        Just(Sort::Newest)
    ];
    (
        text,
        filters,
        0..=limits::PAGE_HITS_MAX,
        0..=limits::OFFSET_MAX,
        sort,
    )
        .prop_map(|(text, (category, price, flag), limit, offset, sort)| Query {
            text,
            category,
            currency: Some("EUR".to_owned()),
            price_from_minor: price,
            in_stock: flag,
            facets: flag,
            limit,
            offset,
            sort,
            ..Query::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn no_question_within_bounds_is_an_error(queries in vec(any_query(), 20)) {
        let index = index_of(&bazaar());
        for query in queries {
            let answer = index.search(&query);
            prop_assert!(answer.is_ok(), "{:?}: {:?}", query, answer);
        }
    }

    #[test]
    fn any_title_is_found_by_its_own_words(titles in vec("[A-Za-zäéñ0-9]{1,12}( [A-Za-zäéñ0-9]{1,12}){0,5}", 1..12)) {
        let documents: Vec<Document> =
            titles.iter().enumerate().map(|(n, title)| document("alice", &n.to_string(), title)).collect();
        let index = index_of(&documents);
        for (number, title) in titles.iter().enumerate() {
            let query = Query { limit: limits::PAGE_HITS_MAX, ..Query::text(title.to_uppercase()) };
            prop_assert!(found(&index, &query).contains(&number.to_string()), "{} in {:?}", title, titles);
        }
    }

    #[test]
    fn the_index_holds_what_was_put_and_not_removed_since(changes in vec((0_u8..12, any::<bool>(), any::<bool>()), 0..40)) {
        let index = index_of(&[]);
        let mut held = BTreeSet::new();
        for (number, put, commit) in changes {
            let document = document("alice", &number.to_string(), "Cup");
            if put {
                held.insert(document.listing.clone());
                index.put(&[document]).expect("it is put");
            } else {
                held.remove(&document.listing);
                index.remove(&[document.key]);
            }
            if commit {
                index.commit().expect("it is committed");
            }
        }
        index.commit().expect("it is committed");
        prop_assert_eq!(found_by(&index, "cup").into_iter().collect::<BTreeSet<_>>(), held);
    }
}
