//! Every limit of the protocol, by name. Network-wide constants: a node that changes one of the
//! byte or count limits no longer agrees with others on what is valid. Described in
//! `spec/envelope.md` and `spec/threats.md`; measured reasons are beside the numbers there.

/// Largest envelope on the wire or in the store, in bytes.
pub const ENVELOPE_BYTES_MAX: usize = 32 * 1024;
/// Deepest nesting of lists and maps in any encoded value; the outermost is level 1.
pub const NESTING_MAX: usize = 8;
/// Most lists, maps, strings, numbers in one encoded value: bounds the memory of a decode.
pub const CBOR_ITEMS_MAX: usize = 8 * 1024;
/// Longest name of a kind, in bytes.
pub const KIND_BYTES_MAX: usize = 32;
/// Longest free text, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Longest name, title or label, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 256;
/// Longest tag or category, in bytes of UTF-8.
pub const TAG_BYTES_MAX: usize = 64;

/// Product tags in one post.
pub const POST_TAGS_MAX: usize = 20;
/// Media references in one post.
pub const POST_MEDIA_MAX: usize = 10;
/// Longest reaction, in bytes of UTF-8 (one emoji with its modifiers).
pub const REACTION_BYTES_MAX: usize = 32;
/// Links in a profile.
pub const PROFILE_LINKS_MAX: usize = 10;

/// Fields that one listing part may carry.
pub const LISTING_FIELDS_MAX: usize = 1_000;
/// Variants of one listing, over all its parts.
pub const LISTING_VARIANTS_MAX: usize = 2_048;
/// Option names of one listing (size, colour, …).
pub const LISTING_OPTIONS_MAX: usize = 3;
/// Media references of one listing.
pub const LISTING_MEDIA_MAX: usize = 250;
/// Tags of one listing.
pub const LISTING_TAGS_MAX: usize = 250;
/// Parts that one listing may be split into, part 0 included.
pub const LISTING_PARTS_MAX: u16 = 257;
/// Devices whose stamps one listing part may name.
pub const STAMP_DEVICES_MAX: usize = 64;
/// Longest name of a listing's field, in bytes.
pub const FIELD_NAME_BYTES_MAX: usize = 64;
/// Longest address of a picture elsewhere, and longest alternative text, in bytes of UTF-8.
pub const SOURCE_BYTES_MAX: usize = 1_024;
/// Largest encoded listing part, in bytes: leaves an envelope 8 KiB for the rest.
pub const LISTING_PART_BYTES_MAX: usize = 24 * 1024;
/// Largest counter of a stamp: what every number format holds exactly.
pub const STAMP_COUNTER_MAX: u64 = 1 << 53;
/// Automerge documents of one shop: a listing belongs to the one that its id's first byte names.
pub const SHARDS: usize = 256;
/// Listings in one automerge document of a shop.
pub const SHARD_LISTINGS: usize = 500;
/// Fields that one change of a shop's document may write.
pub const CHANGE_FIELDS_MAX: usize = 65_536;
/// Operations that one change of a shop's document may replace: a few devices' for each field.
pub const CHANGE_REPLACED_MAX: usize = 4 * CHANGE_FIELDS_MAX;
/// Largest counter that a change from another device may bring; automerge's own end is 2^32.
pub const CHANGE_COUNTER_MAX: u64 = 1 << 31;
/// Largest message by which two devices of a shop bring one document together, in bytes.
pub const SHARD_MESSAGE_BYTES_MAX: usize = SHARD_BYTES_MAX;
/// Largest automerge document that this program loads, in bytes.
pub const SHARD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Devices to which one device may hand stock rights of one listing.
pub const STOCK_TRANSFERS_MAX: usize = 64;
/// Largest counter of a stock account, in units.
pub const STOCK_UNITS_MAX: u64 = 1 << 53;
/// Largest encoded part of a stock account, in bytes.
pub const STOCK_PART_BYTES_MAX: usize = LISTING_PART_BYTES_MAX;
/// Shipping profiles of one shop.
pub const SHIPPING_PROFILES_MAX: usize = 16;
/// Zones of one shipping profile.
pub const SHIPPING_ZONES_MAX: usize = 32;
/// Countries of one shipping zone.
pub const ZONE_COUNTRIES_MAX: usize = 250;
/// Longest deadline that a shop may set, in milliseconds: a year.
pub const DEADLINE_MS_MAX: u64 = 366 * 24 * 60 * 60 * 1_000;
/// Longest time to send something back that a shop may promise, in days.
pub const RETURNS_DAYS_MAX: u16 = 3_650;

/// Lines of one order.
pub const ORDER_LINES_MAX: usize = 50;
/// Units of one order line.
pub const ORDER_UNITS_MAX: u32 = 10_000;
/// Messages that one order may gather before further ones are refused.
pub const ORDER_MESSAGES_MAX: usize = 64;
/// Orders that a merchant keeps open for one buyer at a time.
pub const ORDERS_OPEN_PER_BUYER_MAX: usize = 50;
/// Ways to pay that one ask or quote may name.
pub const RAILS_MAX: usize = 8;
/// Longest reference by which a payment is found, in bytes of UTF-8 (what a bank transfer holds).
pub const REFERENCE_BYTES_MAX: usize = 140;
/// By how much the number of a tab's state may exceed that of the state before it.
pub const TAB_GAP_MAX: u64 = 1 << 32;
/// Holds open on one tab.
pub const TAB_HOLDS_MAX: usize = 32;
/// Largest amount in minor units: far from overflow in any sum that the protocol makes.
pub const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000_000;

/// How far ahead of this node's clock a timestamp may lie before it is ignored, in milliseconds.
pub const FUTURE_MS_MAX: u64 = 10 * 60 * 1_000;
/// Envelopes an hour that a followed author may push unasked.
pub const PUSH_TRUSTED_PER_HOUR: u32 = 600;
/// Envelopes an hour that a stranger may push unasked.
pub const PUSH_STRANGER_PER_HOUR: u32 = 20;
/// Bytes a day that a stranger may push unasked.
pub const PUSH_STRANGER_BYTES_PER_DAY: u64 = 1024 * 1024;
/// Strangers whose rates are remembered; beyond it all further strangers share one allowance.
pub const PUSH_STRANGERS_TRACKED_MAX: usize = 4_096;
/// Sealed envelopes of one author that a peer takes in an hour.
pub const DIRECT_PER_HOUR: u32 = 3_600;
/// Lines of a delivery address.
pub const ADDRESS_LINES_MAX: usize = 8;

/// Topics that a node may be subscribed to, and may be seen to subscribe to.
pub const TOPICS_MAX: usize = 512;
/// Largest gossip message: an envelope, in bytes.
pub const GOSSIP_BYTES_MAX: usize = ENVELOPE_BYTES_MAX;
/// Largest frame of the sync protocol, in bytes.
pub const SYNC_FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Largest frame of the order protocol, in bytes.
pub const ORDER_FRAME_BYTES_MAX: usize = 256 * 1024;
/// Largest frame of the tab protocol, in bytes.
pub const TAB_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Envelopes in one answer of the sync protocol.
pub const SYNC_ENVELOPES_MAX: usize = 2_000;
/// Digests in one answer of the sync protocol.
pub const SYNC_DIGESTS_MAX: usize = 8_192;
/// Authors asked for in one request of the sync protocol.
pub const SYNC_AUTHORS_MAX: usize = 64;
/// Devices of one author that anyone needs to know.
pub const AUTHOR_DEVICES_MAX: usize = 64;
/// Proofs of equivocation kept of one author: more prove nothing new.
pub const PROOFS_PER_AUTHOR_MAX: usize = 8;
/// Authors that one node follows.
pub const FOLLOWS_MAX: usize = 10_000;
/// Grants whose signature is remembered as good.
pub const GRANT_CACHE_MAX: usize = 65_536;
/// Sealed messages that wait for a recipient who is away.
pub const OUTBOX_MAX: usize = 10_000;
/// Orders and tabs that a peer keeps as it read them last.
pub const FOLDS_MAX: usize = 256;
/// Messages within them, beyond which the least used are let go.
pub const FOLDED_MESSAGES_MAX: usize = 20_000;
/// Events that are kept for watchers who come back.
pub const EVENTS_KEPT_MAX: u64 = 20_000;
/// State envelopes that one input may gossip; of more than that peers are told to come and ask.
pub const GOSSIP_BURST_MAX: usize = 32;
/// How often a peer compares what it holds with each peer that it is connected to, in milliseconds.
pub const RESYNC_MS: u64 = 60_000;
/// How long it waits after a question that was refused or lost, in milliseconds.
pub const COMPARE_AGAIN_MS: u64 = 5_000;
/// How long after a comparison a hello may still belong to the same connection, in milliseconds.
pub const NEW_CONNECTION_MS: u64 = 2_000;
/// How long a peer waits before it looks again for someone it has something for, in milliseconds.
pub const SEEK_AGAIN_MS: u64 = 15_000;
/// Followed authors whose holders a peer looks for when it starts.
pub const SOUGHT_AT_START_MAX: usize = 32;

/// Rows that the making of a backup reads at once.
pub const BACKUP_PAGE_ROWS: usize = 64;
/// Most bytes of the item that says whose backup it is.
pub const BACKUP_IDENTITY_BYTES_MAX: usize = 4 * 1024;
/// Longest key of a private row in a backup, in bytes.
pub const BACKUP_KEY_BYTES_MAX: usize = 1_024;
/// How long a device that was restored or copied listens to whoever knows its author before it goes on,
/// in milliseconds.
pub const PAST_HEARD_MS: u64 = 2_000;
/// How long it waits for somebody who knows its author when only strangers have answered, in milliseconds.
pub const PAST_STRANGERS_MS: u64 = 30_000;
/// By how much the first number that a restored device signs on a tab exceeds all that it knows of.
pub const TAB_REOPEN_GAP: u64 = 1 << 20;
/// Rows that one question for what is between two authors makes the other side look at.
pub const RECALL_ROWS_MAX: usize = 2_000;
/// Revocations that one author may tell another in such a question.
pub const RECALL_REVOKED_MAX: usize = 64;
/// How long an invitation to a new device is good for, in milliseconds.
pub const INVITATION_MS: u64 = 10 * 60 * 1_000;
/// Addresses that an invitation may name.
pub const INVITATION_ADDRESSES_MAX: usize = 8;
/// Longest address in an invitation, in bytes.
pub const INVITATION_ADDRESS_BYTES_MAX: usize = 192;
/// Bytes of one message about a shop's document that travel in one frame.
pub const TALK_PIECE_BYTES: usize = 512 * 1024;
/// Messages of one side in one conversation about a document.
pub const TALK_ROUNDS_MAX: u32 = 64;
/// First counts of variants that one device tells another at once.
pub const COUNTS_MAX: usize = 1_000;
/// Listings that one step says anew in a new epoch.
pub const REOPENED_AT_ONCE: usize = 500;
/// How long an ask that one device of a shop may have is brought to no other one, in milliseconds.
pub const ASK_BOUND_MS: u64 = 10 * 60 * 1_000;
/// How long a delivery of which nothing was taken time and again waits at most, in milliseconds.
pub const DELIVERY_PAUSE_MS_MAX: u64 = 300_000;
/// How long an ask waits for rights to sell that another device of the shop holds, in milliseconds.
pub const UNITS_WAIT_MS: u64 = 20_000;
/// How long a device waits before it asks again for rights to sell, in milliseconds.
pub const UNITS_AGAIN_MS: u64 = 2_000;
/// How long a payment upon a tab waits for the word of the device that may have accepted its order, in milliseconds.
pub const ACCEPTANCE_WAIT_MS: u64 = 90_000;
/// How finely a listing or a stock account that is too large for one envelope is split at most: by so many bits of its
/// fields' hashes.
pub const PART_BITS_MAX: u32 = 8;
