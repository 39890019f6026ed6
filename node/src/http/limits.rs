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
