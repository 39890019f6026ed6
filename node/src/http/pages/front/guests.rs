//! How often an address may ask the storefront, and how many connections it may hold: a bucket of requests
//! for each, which fills again with time.

use super::super::super::limits::{
    FRONT_ADDRESS_CONNECTIONS_MAX, FRONT_ADDRESSES_MAX, FRONT_REQUESTS_AT_ONCE_MAX,
    FRONT_REQUESTS_PER_SECOND_MAX,
};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

struct Known {
    /// Requests that it may still make now, in thousandths.
    left: u64,
    at: Instant,
    connections: usize,
}

const WHOLE: u64 = 1_000;
const FULL: u64 = FRONT_REQUESTS_AT_ONCE_MAX * WHOLE;

impl Known {
    fn fill(&mut self, now: Instant) {
        let ms = u64::try_from(now.saturating_duration_since(self.at).as_millis()).unwrap_or(u64::MAX);
        // A thousandth of a request for each millisecond and request a second.
        let more = ms.saturating_mul(FRONT_REQUESTS_PER_SECOND_MAX);
        if more > 0 {
            self.left = self.left.saturating_add(more).min(FULL);
            self.at = now;
        }
    }
}

/// Everybody who asked lately.
#[derive(Default)]
pub(in super::super::super) struct Guests(Mutex<HashMap<IpAddr, Known>>);

/// A connection of somebody; it is counted until this is dropped.
pub(in super::super::super) struct Visit {
    guests: Arc<Guests>,
    address: IpAddr,
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(known) = self.guests.held().get_mut(&self.address) {
            known.connections = known.connections.saturating_sub(1);
        }
    }
}

/// One household: of IPv6 the network, since a machine has as many addresses there as it likes.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

impl Guests {
    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of an address; none if too many others are known and busy.
    fn known<T>(&self, address: IpAddr, now: Instant, with: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let mut held = self.held();
        if held.len() >= FRONT_ADDRESSES_MAX && !held.contains_key(&address) {
            // Whoever may ask as often as a stranger may be forgotten.
            held.retain(|_, known| {
                known.fill(now);
                known.connections > 0 || known.left < FULL
            });
            if held.len() >= FRONT_ADDRESSES_MAX {
                return None;
            }
        }
        let known = held.entry(address).or_insert(Known {
            left: FULL,
            at: now,
            connections: 0,
        });
        Some(with(known))
    }

    /// Counts a request; says after how many seconds to ask again if it is one too many.
    pub(super) fn ask(&self, address: IpAddr, now: Instant) -> Result<(), u64> {
        let asked = self.known(household(address), now, |known| {
            known.fill(now);
            match known.left.checked_sub(WHOLE) {
                Some(left) => {
                    known.left = left;
                    Ok(())
                }
                None => Err(1),
            }
        });
        asked.unwrap_or(Err(1))
    }

    /// Counts a connection; none if the address holds too many.
    pub(in super::super::super) fn come(self: &Arc<Self>, address: IpAddr) -> Option<Visit> {
        let address = household(address);
        let comes = self.known(address, Instant::now(), |known| {
            let comes = known.connections < FRONT_ADDRESS_CONNECTIONS_MAX;
            known.connections += usize::from(comes);
            comes
        });
        comes.unwrap_or(false).then(|| Visit {
            guests: self.clone(),
            address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn an_address_may_ask_so_often_and_again_after_a_while() {
        let (guests, now) = (Guests::default(), Instant::now());
        for _ in 0..FRONT_REQUESTS_AT_ONCE_MAX {
            assert_eq!(guests.ask(ip(1), now), Ok(()));
        }
        assert_eq!(guests.ask(ip(1), now), Err(1));
        assert_eq!(guests.ask(ip(2), now), Ok(()));
        let later = now + Duration::from_secs(1);
        for _ in 0..FRONT_REQUESTS_PER_SECOND_MAX {
            assert_eq!(guests.ask(ip(1), later), Ok(()));
        }
        assert_eq!(guests.ask(ip(1), later), Err(1));
    }

    #[test]
    fn a_network_is_one_guest_and_connections_are_given_back() {
        let guests = Arc::new(Guests::default());
        let at = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        let visits: Vec<_> = (0..FRONT_ADDRESS_CONNECTIONS_MAX)
            .map(|last| guests.come(at(last as u16)).unwrap())
            .collect();
        assert!(guests.come(at(9_999)).is_none());
        drop(visits);
        assert!(guests.come(at(1)).is_some());
    }

    #[test]
    fn memory_is_bounded_and_the_calm_are_forgotten_first() {
        let (guests, now) = (Guests::default(), Instant::now());
        let at = |number: usize| {
            let number = u32::try_from(number).unwrap();
            IpAddr::from(number.to_be_bytes())
        };
        for number in 0..FRONT_ADDRESSES_MAX {
            assert_eq!(guests.ask(at(number), now), Ok(()));
        }
        assert_eq!(guests.ask(at(FRONT_ADDRESSES_MAX), now), Err(1));
        let later = now + Duration::from_secs(1);
        assert_eq!(guests.ask(at(FRONT_ADDRESSES_MAX), later), Ok(()));
        assert!(guests.held().len() < FRONT_ADDRESSES_MAX);
    }
}
