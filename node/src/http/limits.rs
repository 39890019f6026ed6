//! Every bound of the local API, by name. Described in `spec/api.md`.

/// Connections that are served at a time; further ones wait.
pub const CONNECTIONS_MAX: usize = 128;
/// Header fields of one request.
pub const HEADERS_MAX: usize = 64;
/// How long a request's head may take, and a kept connection may be idle, in milliseconds.
pub const HEAD_MS_MAX: u64 = 30_000;
/// How long a request may take until its answer starts, in milliseconds.
pub const REQUEST_MS_MAX: u64 = 120_000;
/// How long open requests may go on once the node stops, in milliseconds.
pub const STOP_MS_MAX: u64 = 3_000;
/// Largest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Largest product file, in bytes.
pub const PRODUCT_FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a product file waits on the page for the owner's word, in milliseconds; one file at a time does.
pub const IMPORT_WAIT_MS: u64 = 60 * 60 * 1_000;
/// Products of a file that are told one by one before it is imported; of further ones only the number is told.
pub const IMPORT_PREVIEW_MAX: usize = 200;
/// Encrypted backups that are made at a time.
pub const BACKUPS_MAX: usize = 1;
/// Products that go into one command.
pub const IMPORT_PRODUCTS_MAX: usize = 200;
/// Items of a page if nothing is said.
pub const PAGE_ITEMS: usize = 50;
/// Most items of a page.
pub const PAGE_ITEMS_MAX: usize = 200;
/// Longest wait for an order to move, in milliseconds.
pub const WAIT_MS_MAX: u64 = 60_000;
/// Event streams that are open at a time.
pub const EVENT_STREAMS_MAX: usize = 32;
/// Events that are read at a time for one stream.
pub const EVENTS_READ: usize = 256;
/// How often a silent event stream says that it is alive, in milliseconds.
pub const EVENTS_ALIVE_MS: u64 = 15_000;
/// Login codes that wait to be used.
pub const LOGIN_CODES_MAX: usize = 64;
/// How long a login code may wait, in milliseconds.
pub const LOGIN_CODE_MS: u64 = 10 * 60 * 1_000;
/// Answers to commands that are remembered by their key.
pub const ANSWERS_KEPT_MAX: usize = 1_024;
/// Longest key of a command, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 64;

/// Phones that may be paired.
pub const PHONES_MAX: usize = 8;
/// Longest name of a phone, in characters.
pub const PHONE_NAME_CHARS_MAX: usize = 40;
/// Codes for phones that wait to be used.
pub const PAIR_CODES_MAX: usize = 4;
/// How long a code for a phone may wait, in milliseconds.
pub const PAIR_CODE_MS: u64 = 10 * 60 * 1_000;
/// Wrong codes for phones in a minute; after so many, no code counts until the minute is over.
pub const PAIR_WRONG_PER_MINUTE_MAX: usize = 10;
/// Largest form of whoever is not paired yet, in bytes.
pub const PAIR_BODY_BYTES_MAX: usize = 4 * 1024;
/// Connections of phones that are served at a time; further ones wait.
pub const PHONE_CONNECTIONS_MAX: usize = 64;
/// Connections of one address to the listener for phones; further ones are closed.
pub const PHONE_ADDRESS_CONNECTIONS_MAX: usize = 16;
/// How long a TLS handshake may take, in milliseconds.
pub const PHONE_HANDSHAKE_MS_MAX: u64 = 10_000;
/// How old what is on disk about when a phone was seen may be, in milliseconds.
pub const PHONE_SEEN_MS: u64 = 60 * 60 * 1_000;
/// How long a certificate for phones is good, in days: browsers refuse longer ones.
pub const PHONE_CERTIFICATE_DAYS: u32 = 800;
/// So many days before its end a certificate is made anew when phones are let in.
pub const PHONE_CERTIFICATE_DAYS_LOW: u32 = 30;

/// Connections that the storefront serves at a time; further ones wait.
pub const FRONT_CONNECTIONS_MAX: usize = 256;
/// Connections of one address to the storefront; further ones are closed.
pub const FRONT_ADDRESS_CONNECTIONS_MAX: usize = 24;
/// How long a connection to the storefront lives, in milliseconds: whoever reads slowly gives its place back.
pub const FRONT_CONNECTION_MS_MAX: u64 = 120_000;
/// How long an answer of the storefront may take, in milliseconds.
pub const FRONT_REQUEST_MS_MAX: u64 = 15_000;
/// Requests of one address in a second, on and on.
pub const FRONT_REQUESTS_PER_SECOND_MAX: u64 = 20;
/// Requests of one address at once, after a pause.
pub const FRONT_REQUESTS_AT_ONCE_MAX: u64 = 120;
/// Addresses that the storefront counts requests for.
pub const FRONT_ADDRESSES_MAX: usize = 8_192;
/// Largest answer of the storefront, in bytes: the sitemap of the largest shop fits.
pub const FRONT_PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Reads of the disk that strangers may have going on at a time, so that the owner's own pages always find
/// threads and a disk that are free.
pub const FRONT_READS_MAX: usize = 4;
/// How long a request of the storefront waits for one of them to end, in milliseconds.
pub const FRONT_READ_WAIT_MS_MAX: u64 = 3_000;
/// After how many seconds somebody who waited in vain may ask again.
pub const FRONT_RETRY_S: u64 = 5;
/// How long a listing's rating is shown before the reviews are read anew, in milliseconds: as long as browsers
/// may keep the page.
pub const FRONT_RATING_MS_MAX: u64 = 60_000;
/// Listings whose ratings are remembered.
pub const FRONT_RATINGS_MAX: usize = 20_000;
/// How long the last answer of a connection whose time is up may take, in milliseconds.
pub const FRONT_LAST_MS_MAX: u64 = 20_000;
/// Listings of one page of the storefront.
pub const FRONT_LISTINGS: usize = 48;
/// Categories that the storefront offers.
pub const FRONT_CATEGORIES_MAX: usize = 12;
/// Reviews that a listing's page shows, the newest.
pub const FRONT_REVIEWS_MAX: usize = 50;
/// Listings of a feed, the last changed.
pub const FRONT_FEED_ITEMS: usize = 50;
/// Addresses of a sitemap, as its format allows.
pub const FRONT_SITEMAP_MAX: usize = 50_000;
