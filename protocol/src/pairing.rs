//! How a second device becomes one of an author's: a code that the first device shows, words that both
//! show, and a grant at the end.
//!
//! ```text
//! first device (has the 24 words)                      new device (has a key and the code)
//!   invitation: its id, a secret, addresses ──── code, by eye or by hand ────►
//!                          ◄──── begin: proof of the secret, commitment to a number
//!   begun: a number ────►
//!                          ◄──── reveal: the number committed to
//!   both show four words made of the secret, both keys and both numbers
//!   the owner sees the same words on both, and says so here
//!                          ◄──── fetch
//!   granted: author and grant ────►
//! ```
//! The transport proves both devices' keys, so the code leads to the device that showed it and to no
//! other; the secret keeps strangers from asking; the words tell the owner that the device which asks is
//! the one in front of them and not somebody who saw the code first. The new device commits to its number
//! before it learns the other's, so nobody can try keys until the words agree: whoever wants to be taken
//! for another device has one guess in 2^44. Described in `spec/devices.md`.

use crate::codec;
use crate::id::{AuthorId, DeviceId};
use crate::identity::{self, Grant, IdentityError};
use crate::limits::{INVITATION_ADDRESS_BYTES_MAX, INVITATION_ADDRESSES_MAX};
use crate::text::{List, Name, Text};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

const CODE: &str = "pair-";
/// Bytes of a checksum at the end of a code: whoever types it wrongly is told so at once.
const CHECKSUM_BYTES: usize = 4;
/// Words that both devices show.
pub const WORDS: usize = 4;

/// Why a code is none, or a step is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// Not a code, or not all of it.
    #[error("this is no code of 'souk device invite', or a part of it is missing")]
    Code,
    /// A character was changed.
    #[error("the code has a typing error")]
    Checksum,
    /// The other device answered something else than what comes next.
    #[error("the other device answered something that does not come here")]
    Step,
    /// The grant is not for this device.
    #[error("the grant that came is not good: {0}")]
    Grant(#[from] IdentityError),
}

/// Sixteen secret bytes that stand in the code.
pub type Secret = ByteArray<16>;
/// A number that one side draws.
pub type Nonce = ByteArray<32>;

/// What the code says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// The device that invites.
    pub device: DeviceId,
    /// Known to whoever has the code.
    pub secret: Secret,
    /// Where the device can be reached, as multiaddrs.
    pub addresses: List<Text<INVITATION_ADDRESS_BYTES_MAX>, INVITATION_ADDRESSES_MAX>,
}

impl Invitation {
    /// The code: `pair-` and base32 of the invitation and a checksum.
    pub fn code(&self) -> Result<String, codec::CodecError> {
        let mut bytes = codec::encode(self)?;
        bytes.extend(checksum(&bytes));
        Ok(format!(
            "{CODE}{}",
            data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase()
        ))
    }

    /// The invitation of a code. Spaces and line breaks within it do not matter, nor does case.
    ///
    /// # Errors
    /// It is no code, or one with a typing error.
    pub fn parse(code: &str) -> Result<Self, PairError> {
        let code: String = code.split_whitespace().collect::<String>().to_lowercase();
        let rest = code.strip_prefix(CODE).ok_or(PairError::Code)?.to_uppercase();
        let bytes = data_encoding::BASE32_NOPAD
            .decode(rest.as_bytes())
            .map_err(|_| PairError::Code)?;
        let (body, sum) = bytes
            .len()
            .checked_sub(CHECKSUM_BYTES)
            .and_then(|at| bytes.split_at_checked(at))
            .ok_or(PairError::Code)?;
        if sum != checksum(body) {
            return Err(PairError::Checksum);
        }
        codec::decode(body).map_err(|_| PairError::Code)
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let [a, b, c, d, ..] = blake3::derive_key("souk 2026 pairing code v1", bytes);
    [a, b, c, d]
}

/// What the new device says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PairAsk {
    /// It has the code, and has drawn a number that it does not show yet.
    Begin {
        /// Made of the secret and both devices.
        proof: Nonce,
        /// Made of the number and the new device.
        commitment: Nonce,
        /// What its owner calls it.
        name: Name,
    },
    /// It shows its number.
    Reveal {
        /// The number.
        nonce: Nonce,
    },
    /// It asks for its grant.
    Fetch {},
}

/// What the inviting device answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PairAnswer {
    /// Its own number.
    Begun {
        /// The number.
        nonce: Nonce,
    },
    /// The owner has not yet said whether the words agree.
    Wait {},
    /// The new device is one of the author's.
    Granted {
        /// The author.
        author: AuthorId,
        /// The author's word for the new device.
        grant: Grant,
    },
}

fn keyed(context: &str, parts: &[&[u8]]) -> [u8; 32] {
    blake3::derive_key(context, &parts.concat())
}

/// What shows that a device has the code.
pub fn proof(secret: &Secret, inviter: &DeviceId, joiner: &DeviceId) -> Nonce {
    let parts: [&[u8]; 3] = [secret.as_slice(), inviter.as_bytes(), joiner.as_bytes()];
    Nonce::new(keyed("souk 2026 pairing proof v1", &parts))
}

/// What binds a new device to a number before it shows it.
pub fn commitment(nonce: &Nonce, joiner: &DeviceId) -> Nonce {
    let parts: [&[u8]; 2] = [nonce.as_slice(), joiner.as_bytes()];
    Nonce::new(keyed("souk 2026 pairing commitment v1", &parts))
}

/// The words that both devices show: four of BIP-39's English list, 44 bits.
pub fn words(
    secret: &Secret,
    inviter: (&DeviceId, &Nonce),
    joiner: (&DeviceId, &Nonce),
) -> [&'static str; WORDS] {
    let parts: [&[u8]; 5] = [
        secret.as_slice(),
        inviter.0.as_bytes(),
        joiner.0.as_bytes(),
        inviter.1.as_slice(),
        joiner.1.as_slice(),
    ];
    let hash = keyed("souk 2026 pairing words v1", &parts);
    let bits = hash
        .iter()
        .take(6)
        .fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    [37, 26, 15, 4].map(|shift| identity::word(bits >> shift))
}

/// The new device's side, from the code to the words to the grant.
#[derive(Debug)]
pub struct Joining {
    invitation: Invitation,
    device: DeviceId,
    nonce: Nonce,
}

impl Joining {
    /// Begins for a new device that drew a number: what it says first.
    pub fn begin(invitation: Invitation, device: DeviceId, nonce: [u8; 32], name: Name) -> (Self, PairAsk) {
        let nonce = Nonce::new(nonce);
        let ask = PairAsk::Begin {
            proof: proof(&invitation.secret, &invitation.device, &device),
            commitment: commitment(&nonce, &device),
            name,
        };
        let joining = Self {
            invitation,
            device,
            nonce,
        };
        (joining, ask)
    }

    /// The device that invites.
    pub fn inviter(&self) -> DeviceId {
        self.invitation.device
    }
    /// Where it can be reached.
    pub fn addresses(&self) -> Vec<String> {
        self.invitation
            .addresses
            .iter()
            .map(|address| address.as_str().to_owned())
            .collect()
    }

    /// What comes after its number: the words to show, and what to say next.
    ///
    /// # Errors
    /// [`PairError::Step`].
    pub fn begun(&self, answer: &PairAnswer) -> Result<([&'static str; WORDS], PairAsk), PairError> {
        let PairAnswer::Begun { nonce } = answer else {
            return Err(PairError::Step);
        };
        let words = words(
            &self.invitation.secret,
            (&self.invitation.device, nonce),
            (&self.device, &self.nonce),
        );
        Ok((words, PairAsk::Reveal { nonce: self.nonce }))
    }

    /// Reads an answer to a fetch: author and grant once they are there.
    ///
    /// # Errors
    /// A grant that is not for this device.
    pub fn fetched(&self, answer: PairAnswer) -> Result<Option<(AuthorId, Grant)>, PairError> {
        match answer {
            PairAnswer::Wait {} => Ok(None),
            PairAnswer::Begun { .. } => Err(PairError::Step),
            PairAnswer::Granted { author, grant } => {
                grant.verify(&author, &self.device)?;
                Ok(Some((author, grant)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Phrase, Scopes};

    fn alice() -> DeviceId {
        DeviceId::from_bytes([1; 32])
    }
    fn bob() -> DeviceId {
        DeviceId::from_bytes([2; 32])
    }

    fn invitation() -> Invitation {
        Invitation {
            device: alice(),
            secret: Secret::new([7; 16]),
            addresses: List::new(vec![Text::new("/ip4/127.0.0.1/udp/4001/quic-v1").unwrap()]).unwrap(),
        }
    }

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        let code = invitation().code().unwrap();
        assert_eq!(Invitation::parse(&code), Ok(invitation()));
        let broken: String = code
            .char_indices()
            .map(|(n, c)| {
                if n % 20 == 19 {
                    format!("{c}\n ")
                } else {
                    c.to_string()
                }
            })
            .collect();
        assert_eq!(Invitation::parse(&broken.to_uppercase()), Ok(invitation()));
    }

    #[test]
    fn a_code_with_a_typing_error_is_noticed() {
        let code = invitation().code().unwrap();
        for at in CODE.len()..code.len() {
            let other = if code.as_bytes()[at] == b'a' { "b" } else { "a" };
            let mut typed = code.clone();
            typed.replace_range(at..=at, other);
            assert!(Invitation::parse(&typed).is_err(), "{typed}");
        }
        assert!(Invitation::parse(&code[..code.len() - 3]).is_err());
        assert_eq!(Invitation::parse("author-aaaa"), Err(PairError::Code));
    }

    #[test]
    fn both_sides_show_the_same_words_and_anybody_else_others() {
        let (joining, ask) = Joining::begin(invitation(), bob(), [9; 32], Name::default());
        let PairAsk::Begin {
            proof: shown,
            commitment: bound,
            ..
        } = ask
        else {
            unreachable!()
        };
        assert_eq!(shown, proof(&invitation().secret, &alice(), &bob()));
        let mine = Nonce::new([3; 32]);
        let (there, reveal) = joining.begun(&PairAnswer::Begun { nonce: mine }).unwrap();
        let PairAsk::Reveal { nonce } = reveal else {
            unreachable!()
        };
        assert_eq!(bound, commitment(&nonce, &bob()));
        let here = words(&invitation().secret, (&alice(), &mine), (&bob(), &nonce));
        assert_eq!(here, there);
        // Whoever has the code but another key, or another number, sees other words.
        let eve = DeviceId::from_bytes([9; 32]);
        assert_ne!(
            here,
            words(&invitation().secret, (&alice(), &mine), (&eve, &nonce))
        );
        assert_ne!(
            here,
            words(&invitation().secret, (&alice(), &mine), (&bob(), &mine))
        );
        assert_ne!(bound, commitment(&nonce, &eve));
        assert_ne!(shown, proof(&Secret::new([8; 16]), &alice(), &bob()));
    }

    #[test]
    fn a_grant_for_another_device_is_refused() {
        let root = Phrase::from_entropy(&[1; 32]).unwrap().root_key().unwrap();
        let (joining, _) = Joining::begin(invitation(), bob(), [9; 32], Name::default());
        let granted = |device| PairAnswer::Granted {
            author: root.author(),
            grant: root.grant(device, Scopes::ALL, 0, None).unwrap(),
        };
        assert!(matches!(
            joining.fetched(granted(alice())),
            Err(PairError::Grant(_))
        ));
        assert!(joining.fetched(granted(bob())).unwrap().is_some());
        assert_eq!(joining.fetched(PairAnswer::Wait {}).unwrap(), None);
        let begun = PairAnswer::Begun {
            nonce: Nonce::new([0; 32]),
        };
        assert_eq!(joining.fetched(begun), Err(PairError::Step));
    }
}
