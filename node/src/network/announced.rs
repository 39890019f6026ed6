//! What other devices announce to provide: who may stay in the table, and who has to make room.
//!
//! Making keys is free and a table is not. So no device has more than its share of it, what is older than
//! its time goes, and when the table is full, whoever has most makes room for whoever has less. Without
//! that, one device could fill the table in a second, and nobody who came later would be found.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Instant,
};

use libp2p::{
    PeerId,
    kad::{
        ProviderRecord, RecordKey,
        store::{MemoryStore, RecordStore},
    },
};

use super::{
    address::is_worth_keeping,
    limits::{ADDRESSES_PER_PEER_MAX, PROVIDED_KEYS_MAX, PROVIDED_KEYS_PER_DEVICE_MAX},
};

/// The keys of each device, and when each of them is forgotten.
#[derive(Default)]
pub(crate) struct Announced {
    of: BTreeMap<PeerId, BTreeMap<Vec<u8>, Option<Instant>>>,
    /// Devices by how many keys they have.
    by_share: BTreeSet<(usize, PeerId)>,
    all: usize,
}

impl Announced {
    /// Puts an announcement into the table, if there is room for it or can be made. Says whether.
    pub(crate) fn admit(
        &mut self,
        table: &mut MemoryStore,
        mut record: ProviderRecord,
        seen: Option<IpAddr>,
        now: Instant,
    ) -> bool {
        let peer = record.provider;
        let own = self.of.get(&peer);
        let key = record.key.to_vec();
        let again = own.is_some_and(|keys| keys.contains_key(&key));
        if !again && own.is_some_and(|keys| keys.len() >= PROVIDED_KEYS_PER_DEVICE_MAX) {
            self.forget_old(table, peer, now);
        }
        let share = self.of.get(&peer).map_or(0, BTreeMap::len);
        if !again && share >= PROVIDED_KEYS_PER_DEVICE_MAX {
            return false;
        }
        if !again && self.all >= PROVIDED_KEYS_MAX && !self.make_room(table, share, now) {
            return false;
        }
        // They are kept for a day and handed to others: only what somebody could dial.
        record.addresses.retain(|addr| is_worth_keeping(addr, seen));
        record.addresses.truncate(ADDRESSES_PER_PEER_MAX);
        let expires = record.expires;
        if table.add_provider(record).is_err() {
            return false;
        }
        self.note(peer, |keys| {
            keys.insert(key, expires);
        });
        true
    }

    /// Takes a key from whoever has most, if that is more than this share would then be.
    fn make_room(&mut self, table: &mut MemoryStore, share: usize, now: Instant) -> bool {
        let Some((most, peer)) = self.by_share.last().copied() else {
            return false;
        };
        self.forget_old(table, peer, now);
        if self.all < PROVIDED_KEYS_MAX {
            return true;
        }
        if most <= share + 1 {
            return false;
        }
        let first = self.of.get(&peer).and_then(|keys| keys.keys().next()).cloned();
        if let Some(key) = first {
            table.remove_provider(&RecordKey::from(key.clone()), &peer);
            self.note(peer, |keys| {
                keys.remove(&key);
            });
        }
        true
    }

    /// The table itself never lets go of what others announced.
    fn forget_old(&mut self, table: &mut MemoryStore, peer: PeerId, now: Instant) {
        self.note(peer, |keys| {
            keys.retain(|key, expires| {
                let stays = expires.is_none_or(|expires| expires > now);
                if !stays {
                    table.remove_provider(&RecordKey::from(key.clone()), &peer);
                }
                stays
            });
        });
    }

    /// Changes the keys of a device, and keeps the account.
    fn note(&mut self, peer: PeerId, change: impl FnOnce(&mut BTreeMap<Vec<u8>, Option<Instant>>)) {
        let keys = self.of.entry(peer).or_default();
        let before = keys.len();
        change(keys);
        let after = keys.len();
        self.by_share.remove(&(before, peer));
        if after == 0 {
            self.of.remove(&peer);
        } else {
            self.by_share.insert((after, peer));
        }
        self.all = self.all + after - before;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use libp2p::kad::store::MemoryStoreConfig;

    use super::*;

    struct Bench {
        announced: Announced,
        table: MemoryStore,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let config = MemoryStoreConfig {
                max_provided_keys: 2 * PROVIDED_KEYS_MAX,
                ..MemoryStoreConfig::default()
            };
            let table = MemoryStore::with_config(PeerId::random(), config);
            let (announced, now) = (Announced::default(), Instant::now());
            Self {
                announced,
                table,
                now,
            }
        }

        fn announces(&mut self, peer: PeerId, number: usize) -> bool {
            let record = ProviderRecord {
                key: key(number),
                provider: peer,
                expires: Some(self.now + Duration::from_secs(60)),
                addresses: vec!["/ip4/192.0.2.1/tcp/1".parse().unwrap(); 100],
            };
            self.announced.admit(&mut self.table, record, None, self.now)
        }
    }

    fn key(number: usize) -> RecordKey {
        RecordKey::new(&blake3::hash(&number.to_be_bytes()).as_bytes())
    }

    #[test]
    fn one_device_has_no_more_than_its_share_until_the_old_is_forgotten() {
        let (mut bench, eve) = (Bench::new(), PeerId::random());
        let taken = (0..2 * PROVIDED_KEYS_PER_DEVICE_MAX).filter(|number| bench.announces(eve, *number));
        assert_eq!(taken.count(), PROVIDED_KEYS_PER_DEVICE_MAX);
        assert!(bench.announces(eve, 0), "what it has, it may announce again");
        assert!(bench.announces(PeerId::random(), 1));
        bench.now += Duration::from_secs(61);
        assert!(bench.announces(eve, 2 * PROVIDED_KEYS_PER_DEVICE_MAX));
        assert_eq!(bench.announced.of[&eve].len(), 1);
    }

    #[test]
    fn a_full_table_has_room_for_whoever_has_less() {
        let mut bench = Bench::new();
        let crowd: Vec<PeerId> = (0..PROVIDED_KEYS_MAX / PROVIDED_KEYS_PER_DEVICE_MAX)
            .map(|_| PeerId::random())
            .collect();
        for (number, eve) in (0..PROVIDED_KEYS_MAX).zip(crowd.iter().cycle()) {
            assert!(bench.announces(*eve, number));
        }
        assert_eq!(bench.announced.all, PROVIDED_KEYS_MAX);
        let bob = PeerId::random();
        assert!(bench.announces(bob, PROVIDED_KEYS_MAX));
        assert_eq!(bench.table.providers(&key(PROVIDED_KEYS_MAX)).len(), 1);
        assert_eq!(bench.announced.all, PROVIDED_KEYS_MAX);
        assert_eq!(
            bench.table.providers(&key(PROVIDED_KEYS_MAX))[0].addresses.len(),
            ADDRESSES_PER_PEER_MAX
        );
    }
}
