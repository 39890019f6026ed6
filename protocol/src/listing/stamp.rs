//! When, in the order that all agree on, a field was set.

use super::ListingError;
use crate::id::DeviceId;
use crate::limits::STAMP_COUNTER_MAX;

/// The name of one edit. Stamps are ordered by epoch, then counter, then the 32 bytes of the device's
/// key; the last two are automerge's operation id and its order, the first is the author's epoch,
/// which a revocation raises. The field order here is that order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The author's epoch in which the edit was made.
    pub epoch: u32,
    /// The operation's number: greater than any that the device had seen in its document.
    pub counter: u64,
    /// The device that made the edit.
    pub device: DeviceId,
}

impl Stamp {
    /// The stamp of an edit.
    ///
    /// # Errors
    /// The counter is zero or larger than [`STAMP_COUNTER_MAX`].
    pub fn new(epoch: u32, counter: u64, device: DeviceId) -> Result<Self, ListingError> {
        if counter == 0 || counter > STAMP_COUNTER_MAX {
            return Err(ListingError::Counter(counter));
        }
        Ok(Self {
            epoch,
            counter,
            device,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_go_by_epoch_then_counter_then_device() {
        let stamp =
            |epoch, counter, device| Stamp::new(epoch, counter, DeviceId::from_bytes([device; 32])).unwrap();
        let rising = [
            stamp(0, 1, 9),
            stamp(0, 2, 1),
            stamp(0, 2, 2),
            stamp(0, 300, 1),
            stamp(1, 1, 0),
        ];
        assert!(rising.is_sorted_by(|low, high| low < high));
    }

    #[test]
    fn a_counter_beyond_the_limit_is_refused() {
        let bob = DeviceId::from_bytes([2; 32]);
        assert_eq!(Stamp::new(0, 0, bob), Err(ListingError::Counter(0)));
        assert!(Stamp::new(0, STAMP_COUNTER_MAX, bob).is_ok());
        assert_eq!(
            Stamp::new(0, STAMP_COUNTER_MAX + 1, bob),
            Err(ListingError::Counter(STAMP_COUNTER_MAX + 1))
        );
    }
}
