//! The index on disk: put, remove, commit, search. It lives in a directory of its own below the one it is given, named by
//! the version of its schema; what cannot be read there is thrown away and begun anew, since the store can always fill it
//! again.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tantivy::collector::{Collector, Count, TopDocs};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::IndexWriterOptions;
use tantivy::query::Query as IndexQuery;
use tantivy::schema::TantivyDocument;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocAddress, IndexReader, IndexWriter, Order, ReloadPolicy, Searcher, Term};

use super::error::SearchError;
use super::facets::{Counter, Facets, most_frequent};
use super::limits::WRITER_BYTES;
use super::query::{Match, Query, Sort, build};
use super::schema::{Fields, PRICE_MAX, PRICE_MIN, SCHEMA_VERSION, TOKENIZER, UPDATED};
use super::words::Words;
use super::{Document, Hit, Page};

/// Characters of a mark's hash that are kept with it.
const MARK_HASH_CHARS: usize = 16;

/// Full text over the listings that this node holds. Searches run while changes are made and see the last commit.
pub struct Index {
    fields: Fields,
    reader: IndexReader,
    writer: Mutex<Writer>,
}

struct Writer {
    writer: IndexWriter,
    mark: Option<u64>,
}

impl Index {
    /// Opens the index in `dir`, which is made if it is not there, or begins a new one if what is there is of another
    /// version or damaged; [`Index::rebuild_needed`] tells. Everything is read once, to find damage. Nothing else may be
    /// kept in `dir` under a name such as `v1`.
    ///
    /// # Errors
    ///
    /// [`SearchError::InUse`] if it is open already, [`SearchError::Directory`] if the directory cannot be used.
    pub fn open(dir: &Path) -> Result<Self, SearchError> {
        std::fs::create_dir_all(dir)?;
        let own = dir.join(format!("v{SCHEMA_VERSION}"));
        remove_others(dir, &own)?;
        std::fs::create_dir_all(&own)?;
        match open_whole(&own) {
            Err(SearchError::Index(reason)) => {
                tracing::warn!(%reason, "the search index is damaged and is built anew");
                std::fs::remove_dir_all(&own)?;
                std::fs::create_dir_all(&own)?;
                open_whole(&own)
            }
            opened => opened,
        }
    }

    /// An index that is gone when it is dropped.
    ///
    /// # Errors
    ///
    /// [`SearchError::Index`] if its threads cannot be started.
    pub fn in_memory() -> Result<Self, SearchError> {
        let (schema, fields) = Fields::build();
        Self::of(tantivy::Index::create_in_ram(schema), fields)
    }

    fn of(index: tantivy::Index, fields: Fields) -> Result<Self, SearchError> {
        index.tokenizers().register(TOKENIZER, TextAnalyzer::from(Words));
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(WRITER_BYTES)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer = index.writer_with_options(options)?;
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        let mark = index
            .load_metas()?
            .payload
            .and_then(|payload| read_mark(&payload));
        Ok(Self {
            fields,
            reader,
            writer: Mutex::new(Writer { writer, mark }),
        })
    }

    /// Whether the index has to be filled from the store: it is new, it was damaged, or filling it was not finished, which
    /// is when [`Index::commit_at`] is called. [`Index::clear`] first: what is left in it may be anything.
    pub fn rebuild_needed(&self) -> bool {
        self.mark().is_none()
    }

    /// Up to where in the store's order the last [`Index::commit_at`] has said that everything is in the index.
    pub fn mark(&self) -> Option<u64> {
        self.writer().mark
    }

    /// How many documents the last commit holds.
    pub fn len(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Whether the last commit holds no document.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes documents in, each in place of what had its key. Seen after the next commit.
    ///
    /// # Errors
    ///
    /// [`SearchError::Index`] if the index can take no more changes (its disk is full, say): open it anew.
    pub fn put(&self, documents: &[Document]) -> Result<(), SearchError> {
        let writer = self.writer();
        for document in documents {
            writer
                .writer
                .delete_term(Term::from_field_text(self.fields.key, &document.key));
            writer.writer.add_document(self.fields.document(document))?;
        }
        Ok(())
    }

    /// Takes the documents with these keys out; those that are not there are passed over. Seen after the next commit.
    pub fn remove(&self, keys: &[impl AsRef<str>]) {
        let writer = self.writer();
        for key in keys {
            writer
                .writer
                .delete_term(Term::from_field_text(self.fields.key, key.as_ref()));
        }
    }

    /// Takes everything out, so that the index can be filled anew, and forgets the mark. Seen after the next commit.
    ///
    /// # Errors
    ///
    /// [`SearchError::Index`] if the index can take no more changes.
    pub fn clear(&self) -> Result<(), SearchError> {
        let mut writer = self.writer();
        writer.writer.delete_all_documents()?;
        writer.mark = None;
        Ok(())
    }

    /// Makes all changes so far durable and seen; the mark stays. One commit for many changes: it costs several fsyncs.
    ///
    /// # Errors
    ///
    /// [`SearchError::Index`] if they cannot be written; the last commit is still there after opening anew.
    pub fn commit(&self) -> Result<(), SearchError> {
        self.commit_with(|mark| mark)
    }

    /// Like [`Index::commit`], and remembers with it that everything up to `mark`, a position in the store's own order, is
    /// in the index: after a restart, what came later is put again.
    ///
    /// # Errors
    ///
    /// As [`Index::commit`].
    pub fn commit_at(&self, mark: u64) -> Result<(), SearchError> {
        self.commit_with(|_| Some(mark))
    }

    fn commit_with(&self, next: impl FnOnce(Option<u64>) -> Option<u64>) -> Result<(), SearchError> {
        let mut writer = self.writer();
        let mark = next(writer.mark);
        let mut prepared = writer.writer.prepare_commit()?;
        if let Some(mark) = mark {
            prepared.set_payload(&written_mark(mark));
        }
        prepared.commit()?;
        writer.mark = mark;
        self.reader.reload()?;
        Ok(())
    }

    /// Answers a question from the last commit. If nothing matches the words as they are written, what matches with one
    /// letter wrong is given instead, and [`Page::corrected`] says so.
    ///
    /// # Errors
    ///
    /// [`SearchError::Limit`], [`SearchError::Offset`] or [`SearchError::CurrencyMissing`] for a question out of bounds,
    /// whatever its text; [`SearchError::Index`] if the index cannot be read.
    pub fn search(&self, query: &Query) -> Result<Page, SearchError> {
        query.check()?;
        let words = query.words();
        let searcher = self.reader.searcher();
        let ask = |how| {
            self.page(
                &searcher,
                query,
                &*build(query, words.as_deref(), how, &self.fields),
            )
        };
        let page = ask(Match::Written)?;
        match &words {
            Some(words) if page.total == 0 && !words.is_empty() => {
                let page = ask(Match::OneEdit)?;
                let corrected = page.total > 0;
                Ok(Page { corrected, ..page })
            }
            _ => Ok(page),
        }
    }

    fn page(&self, searcher: &Searcher, query: &Query, asked: &dyn IndexQuery) -> Result<Page, SearchError> {
        // A collector of no hits at all is refused by tantivy.
        let top = || TopDocs::with_limit(query.limit.max(1)).and_offset(query.offset);
        let (mut found, total, facets) = match query.order() {
            Sort::Relevance => {
                let (scored, total, facets) = collect(searcher, query, asked, top().order_by_score())?;
                (scored, total, facets)
            }
            Sort::PriceUp => unscored(collect(
                searcher,
                query,
                asked,
                top().order_by_fast_field::<i64>(PRICE_MIN, Order::Asc),
            )?),
            Sort::PriceDown => unscored(collect(
                searcher,
                query,
                asked,
                top().order_by_fast_field::<i64>(PRICE_MAX, Order::Desc),
            )?),
            Sort::Newest => unscored(collect(
                searcher,
                query,
                asked,
                top().order_by_fast_field::<u64>(UPDATED, Order::Desc),
            )?),
        };
        found.truncate(query.limit);
        Ok(Page {
            hits: found
                .into_iter()
                .map(|(score, at)| self.hit(searcher, score, at))
                .collect::<Result<_, _>>()?,
            total,
            facets,
            corrected: false,
        })
    }

    fn hit(&self, searcher: &Searcher, score: f32, at: DocAddress) -> Result<Hit, SearchError> {
        let document: TantivyDocument = searcher.doc(at)?;
        Ok(Hit {
            key: Fields::stored(&document, self.fields.key),
            shop: Fields::stored(&document, self.fields.shop),
            listing: Fields::stored(&document, self.fields.listing),
            score,
        })
    }

    /// A panic within tantivy leaves the writer as it was: its own threads hold all that matters.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hits with what they were ordered by, how many there are, and their facets.
type Collected<K> = (Vec<(K, DocAddress)>, usize, Facets);

fn collect<K: Send + 'static>(
    searcher: &Searcher,
    query: &Query,
    asked: &dyn IndexQuery,
    top: impl Collector<Fruit = Vec<(K, DocAddress)>>,
) -> Result<Collected<K>, SearchError> {
    if !query.facets {
        let (found, total) = searcher.search(asked, &(top, Count))?;
        return Ok((found, total, Facets::default()));
    }
    let (categories, kinds, vendors) = Counter::all();
    let (found, total, counts) = searcher.search(asked, &(top, Count, (categories, kinds, vendors)))?;
    let facets = Facets {
        categories: most_frequent(counts.0),
        kinds: most_frequent(counts.1),
        vendors: most_frequent(counts.2),
    };
    Ok((found, total, facets))
}

fn unscored<K>((found, total, facets): Collected<K>) -> Collected<f32> {
    (
        found.into_iter().map(|(_, at)| (0.0, at)).collect(),
        total,
        facets,
    )
}

/// Opens an index and reads all of it once against its checksums.
fn open_whole(own: &Path) -> Result<Index, SearchError> {
    let (schema, fields) = Fields::build();
    let directory = MmapDirectory::open(own).map_err(|error| SearchError::Index(error.to_string()))?;
    let index = tantivy::Index::open_or_create(directory, schema)?;
    let damaged = index.validate_checksum()?;
    if let Some(file) = damaged.iter().next() {
        return Err(SearchError::Index(format!(
            "the file {} is damaged",
            file.display()
        )));
    }
    let index = Index::of(index, fields)?;
    check_segments(own, &index.reader.searcher())?;
    Ok(index)
}

/// Holds the list of segments, which has no checksum of its own, against the segments: how many documents each has,
/// and whether deletions lie there that the list does not know. How many are deleted tantivy counts itself.
fn check_segments(own: &Path, searcher: &Searcher) -> Result<(), SearchError> {
    let wrong = |what: &str| {
        Err(SearchError::Index(format!(
            "the list of segments is damaged: {what}"
        )))
    };
    for segment in searcher.segment_readers() {
        if segment.fast_fields().i64(PRICE_MIN)?.num_docs() != segment.max_doc() {
            return wrong("a segment has another number of documents");
        }
    }
    for entry in std::fs::read_dir(own)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        let of_segment = |id: String| stem.starts_with(&id);
        let known = searcher
            .segment_readers()
            .iter()
            .find(|segment| of_segment(segment.segment_id().uuid_string()));
        if path.extension().is_some_and(|extension| extension == "del")
            && known.is_some_and(|known| !known.has_deletes())
        {
            return wrong("there are deletions that it does not know");
        }
    }
    Ok(())
}

/// A mark as it is kept with a commit: the number and a hash of it, so that no other number is taken for it.
fn written_mark(mark: u64) -> String {
    let hash = blake3::hash(&mark.to_be_bytes()).to_hex();
    format!("{mark} {}", hash.get(..MARK_HASH_CHARS).unwrap_or_default())
}

fn read_mark(payload: &str) -> Option<u64> {
    let mark = payload.split(' ').next()?.parse().ok()?;
    (written_mark(mark) == payload).then_some(mark)
}

/// Removes the indexes of other versions.
fn remove_others(dir: &Path, own: &Path) -> Result<(), SearchError> {
    for entry in std::fs::read_dir(dir)? {
        let path: PathBuf = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let number = name.strip_prefix('v').unwrap_or("");
        let is_version = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        if is_version && path != own && path.is_dir() {
            std::fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}
