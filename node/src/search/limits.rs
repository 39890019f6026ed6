//! Every limit of searching, by name.

/// Bytes of a query's text that are looked at.
pub const QUERY_BYTES_MAX: usize = 512;
/// Words of a query's text that are looked for.
pub const QUERY_WORDS_MAX: usize = 16;
/// Longest word in the index, in bytes of UTF-8; longer ones are cut, in texts and in queries alike.
pub const WORD_BYTES_MAX: usize = 64;
/// Hits on one page.
pub const PAGE_HITS_MAX: usize = 100;
/// Hits that may be skipped: whoever wants to look further narrows the query.
pub const OFFSET_MAX: usize = 10_000;
/// Values of one facet that are told, the most frequent ones.
pub const FACET_VALUES_MAX: usize = 20;
/// Characters that a query's last word must have to be taken as the beginning of a word as well.
pub const PREFIX_CHARS_MIN: usize = 2;
/// Characters that a word must have to be looked for with one letter wrong.
pub const FUZZY_CHARS_MIN: usize = 4;
/// Memory of the writer between commits, in bytes; tantivy takes no less than 15 MB.
pub const WRITER_BYTES: usize = 20_000_000;
