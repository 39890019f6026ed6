//! The laws by name, and what is said when one does not hold. Described in `spec/simulations.md`.

macro_rules! laws {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Something that must hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Law { $($(#[$doc])* $name,)* }

        impl Law {
            /// Every law.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

laws! {
    /// The peer never fails by itself.
    NoFault = "no fault";
    /// What a node says of its own, its store holds.
    CommitFirst = "commit before speaking";
    /// No device gives one number or stamp to two envelopes.
    NoFork = "no self-fork";
    /// Every stored envelope opens.
    Admitted = "only what is proved is stored";
    /// No honest peer's words are held against whoever brought them.
    NoneRejected = "no honest message is rejected";
    /// No honest side refuses an order or tab message of the other one for good.
    NoneRefused = "no honest delivery is refused for good";
    /// An order reads the same in any order of arrival.
    AnyOrder = "an order reads the same in any order";
    /// An order moves only as its table says.
    Table = "an order moves by its table";
    /// An order is paid at most once.
    PaidOnce = "an order is paid once";
    /// What is paid is what was quoted.
    Quoted = "what is paid was quoted";
    /// A receipt for a payment by tab is signed only after the tab shows it.
    Receipted = "a receipt follows its payment";
    /// Nobody signs two states of one number of a tab.
    OneState = "one signed state for each number of a tab";
    /// The two copies of a tab are one chain, one of them perhaps shorter.
    OneChain = "two copies of a tab are one chain";
    /// No balance passes its limit, and each follows from the one before.
    Limit = "a balance stays within its limit";
    /// Nobody pays with what they were paid for something that is not completed.
    Earned = "nobody pays with what is not earned";
    /// Nobody loses more to somebody else than they granted.
    Granted = "a loss stays within what was granted";
    /// Nobody takes more of a node unasked than the protocol gives them.
    Share = "nobody takes more than their share";
    /// A word that is shown as a buyer's is one.
    Bought = "who is shown as a buyer has bought";
    /// Units sold are units spent; sold and held ones are at most what was minted.
    Stock = "no unit is sold twice";
    /// Of several devices of a side one alone acts in an order, and one alone upon its tabs.
    OneHand = "one device acts for a side";
    /// Both sides of an order hold the same messages and read the same.
    OrdersAgree = "both sides of an order agree";
    /// Both copies of a tab are equal, and all balances add up to zero.
    TabsAgree = "both copies of a tab agree";
    /// Nothing waits in an outbox.
    Delivered = "everything is delivered";
    /// A follower holds all that whom it follows has said.
    Followed = "a follower holds everything";
    /// Readers who can hear each other know of an author's two words under one number.
    Exposed = "two words under one number become known";
    /// All devices of a shop and all its readers read the same shop, and it is what the documents say.
    OneShop = "everybody reads one shop";
    /// What the peers do by themselves is done: due payments, receipts, refunds.
    Finished = "what was begun is finished";
}

/// A law that does not hold.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {words}", law.name())]
pub struct Broken {
    /// Which.
    pub law: Law,
    /// How.
    pub words: String,
    /// The nodes involved.
    pub nodes: Vec<usize>,
}

impl Broken {
    /// A law that does not hold between these nodes.
    pub fn new(law: Law, words: impl Into<String>, nodes: impl IntoIterator<Item = usize>) -> Self {
        Self {
            law,
            words: words.into(),
            nodes: nodes.into_iter().collect(),
        }
    }
}
