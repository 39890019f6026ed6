//! How an amount owed becomes a proof that it was paid. The merchant's instruction says where the
//! money goes, the buyer's proof says that it went; both name one rail. What a rail asks one to
//! trust is in `spec/settlement.md`, and so are these forms.

use crate::id::{EnvelopeId, TabId};
use crate::limits::REFERENCE_BYTES_MAX;
use crate::text::{Name, Prose, Text};
use serde::{Deserialize, Serialize};

/// Why payment details are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettlementError {
    /// Not an IBAN, or one with a typing mistake.
    #[error(
        "'{0}' is no IBAN: expected two letters, two check digits and up to 30 letters and digits that add up"
    )]
    Iban(String),
    /// Not a BIC.
    #[error("'{0}' is no BIC: expected 8 or 11 capital letters and digits")]
    Bic(String),
    /// A rail that this version does not have.
    #[error("expected a way to pay such as tab or manual, got '{0}'")]
    Rail(String),
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A way to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// Credit between the two, on a ledger that both sign.
    Tab,
    /// Outside: bank transfer, cash. The merchant signs for what arrived.
    Manual,
}

impl Rail {
    /// Every rail of this version.
    pub const ALL: [Rail; 2] = [Rail::Tab, Rail::Manual];

    /// Its name in messages and on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tab => "tab",
            Self::Manual => "manual",
        }
    }
}

impl std::fmt::Display for Rail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Rail {
    type Err = SettlementError;
    fn from_str(text: &str) -> Result<Self, SettlementError> {
        Self::ALL
            .into_iter()
            .find(|rail| rail.name() == text)
            .ok_or_else(|| SettlementError::Rail(shortened(text)))
    }
}

/// What a payment is found by: an order's number in a bank transfer, a name at the counter.
pub type Reference = Text<REFERENCE_BYTES_MAX>;

/// Where the merchant wants the money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Instruction {
    /// On the tab between the two.
    Tab {
        /// The tab.
        tab: TabId,
    },
    /// Outside.
    Manual {
        /// How, in words.
        text: Prose,
        /// A bank account, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<Account>,
    },
}

impl Instruction {
    /// The rail that it belongs to.
    pub const fn rail(&self) -> Rail {
        match self {
            Self::Tab { .. } => Rail::Tab,
            Self::Manual { .. } => Rail::Manual,
        }
    }
}

/// The buyer's word that it paid, and where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Proof {
    /// A state of the tab that both signed.
    Tab {
        /// The envelope that proposed it.
        propose: EnvelopeId,
        /// The envelope that agreed to it.
        agree: EnvelopeId,
        /// Its number.
        seq: u64,
    },
    /// What the payment can be found by.
    Manual {
        /// The reference.
        reference: Reference,
    },
}

impl Proof {
    /// The rail that it belongs to.
    pub const fn rail(&self) -> Rail {
        match self {
            Self::Tab { .. } => Rail::Tab,
            Self::Manual { .. } => Rail::Manual,
        }
    }
}

/// A bank account to transfer to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Whose account.
    pub name: Name,
    /// Its number.
    pub iban: Iban,
    /// Its bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bic: Option<Bic>,
    /// What to write on the transfer.
    #[serde(default, skip_serializing_if = "Reference::is_empty")]
    pub reference: Reference,
}

/// An IBAN whose check digits are right, without spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Iban(String);

impl Iban {
    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// ISO 7064 mod 97-10 over the rotated number, letters counted as 10 to 35.
    fn remainder(number: &str) -> u32 {
        let (head, tail) = number.split_at_checked(4).unwrap_or((number, ""));
        tail.bytes().chain(head.bytes()).fold(0, |rest, byte| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            _ => (rest * 100 + u32::from(byte.wrapping_sub(b'A')) + 10) % 97,
        })
    }
}

impl TryFrom<String> for Iban {
    type Error = SettlementError;
    fn try_from(text: String) -> Result<Self, SettlementError> {
        let form = match text.as_bytes() {
            [a, b, c, d, rest @ ..] => {
                [a, b].iter().all(|byte| byte.is_ascii_uppercase())
                    && [c, d].iter().all(|byte| byte.is_ascii_digit())
                    && (1..=30).contains(&rest.len())
                    && rest
                        .iter()
                        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            }
            _ => false,
        };
        match form && Self::remainder(&text) == 1 {
            true => Ok(Self(text)),
            false => Err(SettlementError::Iban(shortened(&text))),
        }
    }
}

impl std::str::FromStr for Iban {
    type Err = SettlementError;
    /// As a person types it: spaces and small letters do not matter.
    fn from_str(text: &str) -> Result<Self, SettlementError> {
        let kept: String = text.chars().filter(|c| !c.is_whitespace()).take(64).collect();
        Self::try_from(kept.to_ascii_uppercase())
    }
}

impl From<Iban> for String {
    fn from(iban: Iban) -> Self {
        iban.0
    }
}

/// A bank's BIC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bic(String);

impl Bic {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Bic {
    type Error = SettlementError;
    fn try_from(text: String) -> Result<Self, SettlementError> {
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        match matches!(text.len(), 8 | 11) && text.bytes().all(plain) {
            true => Ok(Self(text)),
            false => Err(SettlementError::Bic(shortened(&text))),
        }
    }
}

impl std::str::FromStr for Bic {
    type Err = SettlementError;
    fn from_str(text: &str) -> Result<Self, SettlementError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Bic> for String {
    fn from(bic: Bic) -> Self {
        bic.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn an_iban_with_a_typing_mistake_is_refused() {
        let iban: Iban = "de89 3704 0044 0532 0130 00".parse().unwrap();
        assert_eq!(iban.as_str(), "DE89370400440532013000");
        for wrong in [
            "DE88370400440532013000",
            "DE8937040044053201300",
            "DE89",
            "",
            "É889",
            "DE89-370",
        ] {
            assert!(wrong.parse::<Iban>().is_err(), "{wrong}");
        }
        let bytes = codec::encode(&"de89370400440532013000").unwrap();
        assert!(
            codec::decode::<Iban>(&bytes).is_err(),
            "only a person may type it loosely"
        );
    }

    #[test]
    fn an_instruction_reads_back_from_its_bytes() {
        let instruction = Instruction::Manual {
            text: Prose::new("by transfer, please").unwrap(),
            account: Some(Account {
                name: Name::new("Bob").unwrap(),
                iban: "DE89370400440532013000".parse().unwrap(),
                bic: Some("COBADEFFXXX".parse().unwrap()),
                reference: Reference::default(),
            }),
        };
        let bytes = codec::encode(&instruction).unwrap();
        assert_eq!(codec::decode::<Instruction>(&bytes), Ok(instruction));
    }
}
