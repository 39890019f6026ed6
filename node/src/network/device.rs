//! A device is its ed25519 public key; libp2p's peer id is the same key in another coat.
//!
//! An ed25519 peer id holds the key itself (identity multihash over the protobuf of the key), so the
//! two can be turned into each other without a table. Other kinds of key are no device: a node that
//! shows one is disconnected.

use libp2p::{PeerId, identity};

/// The 32 bytes of a device's ed25519 public key.
pub type Device = [u8; 32];

/// The peer id of a device; none if the bytes are not a point of the curve.
pub(crate) fn peer_of(device: &Device) -> Option<PeerId> {
    let key = identity::ed25519::PublicKey::try_from_bytes(device).ok()?;
    Some(PeerId::from_public_key(&identity::PublicKey::from(key)))
}

/// The device behind a peer id; none if it is a hash or another kind of key.
pub(crate) fn device_of(peer: &PeerId) -> Option<Device> {
    const IDENTITY_MULTIHASH: u64 = 0;
    let hash = peer.as_ref();
    if hash.code() != IDENTITY_MULTIHASH {
        return None;
    }
    let key = identity::PublicKey::try_decode_protobuf(hash.digest()).ok()?;
    Some(key.try_into_ed25519().ok()?.to_bytes())
}

/// The text of a device as the network writes it: base58 of its peer id, or hex if it has none.
pub fn device_text(device: &Device) -> String {
    match peer_of(device) {
        Some(peer) => peer.to_base58(),
        None => data_encoding::HEXLOWER.encode(device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_and_its_peer_id_are_the_same_thing() {
        let key = identity::Keypair::generate_ed25519();
        let device = key.clone().try_into_ed25519().unwrap().public().to_bytes();
        let peer = PeerId::from_public_key(&key.public());
        assert_eq!(peer_of(&device), Some(peer));
        assert_eq!(device_of(&peer), Some(device));
    }

    #[test]
    fn a_hashed_peer_id_is_no_device() {
        let hashed = libp2p::multihash::Multihash::<64>::wrap(0x12, &[7; 32]).unwrap();
        assert_eq!(device_of(&PeerId::from_multihash(hashed).unwrap()), None);
    }
}
