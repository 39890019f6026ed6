# The first steps, the network, the settings, the notices, all other places.
welcome = Welcome to Souk
welcome-lead = This is your own node: what you write, buy and sell lives on this computer. Three small things, and you are in.
welcome-name = What do people call you?
your-name = Your name
your-name-hint = Everybody can see it. The picture is made from your name and your id, so nobody can look just like you.
welcome-people = Follow people you know
welcome-done = Go to the feed
welcome-phone = Would you like to have all this in your pocket too?
follows-now = { $count ->
    [0] You follow nobody yet.
    [one] You follow one person.
   *[other] You follow { $count } people.
}
near = Connected right now
near-nobody = Nobody new is connected. People on your local network show up here by themselves.
follow-them = Follow
follow-who = Somebody’s id, link or address
follow-who-hint = Paste what they sent you, or what you read from their QR code.
follow-openly = Let everybody see that I follow them
your-id = Your id
your-id-hint = Give it to people who want to follow you. It is no secret.
qr-of-id = QR code of your id
done-following = You follow them now. What they said arrives as soon as somebody who has it is connected.
done-profile = Saved. Everybody sees it from now on.

words-title = Your recovery words
words-badge = not confirmed
words-good = confirmed
words-open = 24 words are your identity. If this computer is lost, they bring it back; whoever has them is you. Write them on paper.
words-confirmed = You have confirmed that you wrote them down. Keep the paper where nobody else reads it.
words-elsewhere = The 24 words are on the device that let this one in. Look at them there.
words-paper = The 24 words were taken out of this node: they are on your paper alone.
words-warning = Let nobody see them, make no photo of them, and type them into no website.
words-show = Show the words
words-confirm = Confirm three of them
words-confirm-why = So that you find a mistake on your paper now and not when you need it.
word-number = Word { $number }
confirm = Confirm
done-words-confirmed = All three are right. Keep the paper safe.

settings-identity = Identity
settings-devices = Devices
settings-backup = Backup
settings-privacy = Privacy
settings-addresses = Addresses
settings-look = Language and theme
settings-limits = Limits
settings-access = Access
profile-title = Profile
about = About you
see-as-others = See what others see

devices-lead = Each of them speaks for you, with a key of its own.
device-this-one = This device
device-this = this one
device-primary = primary
device-connected = connected
device-away = away
device-since = since { $date }
device-waits = This device still waits for the shop’s documents. Keep it and the primary connected.
device-revoked = This device was thrown out: nothing that it says counts any more.
device-revoke = Throw out
device-revoke-means = For a device that is lost or sold. Nothing that it says afterwards counts. This cannot be taken back.
device-revoke-sure = I am sure
device-revoke-now = Throw this device out
done-device-out = Thrown out. Look over your prices and your stock.
device-add = Add a device
device-add-lead = You get a code to type or scan on the other device. It works for ten minutes and for one device.
device-invite = Show a code
device-add-how = Run this on the other device. Then both show four words, and you compare them here.
qr-of-code = QR code for the other device
device-code-secret = Whoever has this code can ask to be you. Show it to nobody.
device-compare-now = It shows four words
device-invited = A code is valid and ends { $until }
device-close = Close it
done-invitation-closed = No device can come in with that code any more.
device-asks = A device wants to become one of yours
device-asks-name = “{ $name }” wants to become one of your devices
device-asks-compare = Does it show exactly these four words?
device-same = Yes, the same words
device-other = No, turn it away
done-device-in = It is one of your devices now.

phones-title = Use Souk on your phone
phones-lead = Your phone shows the pages of this computer, over your own network and encrypted. It keeps nothing but its key to them.
phones-on = on
phones-off = off
phones-turn-on = Let phones in
phones-on-means = This computer then answers in your local network. Whoever is not paired sees a closed door.
phones-turn-off = Let no phone in any more
phones-failed = Phones cannot come in now.
phones-no-address = This computer is in no local network now. Connect it, and reload this page.
phones-at = Phones find it here:
phones-paired = Paired phones
phone-since = paired { $paired }, last seen { $seen }
phone-out = Throw out
phone-pair = Pair a phone
phone-scan = Scan this with the phone’s camera. The phone must be in the same network.
phone-or-type = Or type it there:
phone-other-addresses = Another address
phone-warning = The phone’s browser warns, because this computer vouches for itself and no company does. Before you go on there, look at the certificate: its SHA-256 fingerprint must be exactly this one. If it is another, somebody is in between; stop.
phone-press = Give the phone a name there and press the button.
phone-code-once = The code works once, for one phone, and for { $count } minutes.
qr-of-phone = QR code for the phone
phone-not-here = The recovery words, devices, backups and access are only on the computer on which your node runs.
done-phones-on = Phones that you pair can come in now.
done-phones-off = No phone comes in any more. What was open is closed.
done-phone-out = That phone is out, from now on.

backup-make = Make a backup
backup-lead = One encrypted file with everything that this node remembers: what you said, orders, tabs, your shop, your addresses. The node goes on meanwhile.
backup-no-words = The recovery words are not in it, since they are not kept on this node.
backup-passphrase = Passphrase for the file
backup-again = The same once more
backup-passphrase-hint = Without it nobody can open the file, you neither. It is kept nowhere.
backup-download = Download the backup
restore = Bring it back
restore-lead = Restoring makes a new device, so it is done on a computer where no node runs yet.
restore-file = From a backup file:
restore-words = Without a file, from the 24 words, which it asks for; what you said in public is fetched from people who have it:
restore-once = Throw the lost device out afterwards, under Devices.

privacy-seen = What everybody can see
privacy-seen-lead = Whatever stands here is public, signed by you, and cannot be taken back.
privacy-no-about = You say nothing about yourself.
privacy-posts = Posts and answers
privacy-vouches = Vouches
privacy-reviews = Reviews
privacy-shop = Shop
privacy-no-shop = none
privacy-follows = Public follows
privacy-nobody = nobody
privacy-open = Open your profile
shop-listings = { $count ->
    [one] one listing
   *[other] { $count } listings
}
and-others = { $count ->
    [one] and one more
   *[other] and { $count } more
}
privacy-some = What some can see
privacy-orders = An order, its delivery address and its messages: the buyer and the shop.
privacy-tabs = A tab: the two people who share it.
privacy-network = Your network address: the devices that you are connected to.
privacy-kept = What never leaves this node
privacy-kept-lead = It is in your own backups and nowhere else. A shop gets an address only with an order that you place.
privacy-private-follows = Private follows
privacy-drafts = Drafts
privacy-bag = Things in the bag

addresses-lead = They stay on this node. A shop gets one only with an order that you place.
addresses-none = No address yet. Add one, and ordering takes one step less.
address-new = New address
address-name = Call it
address-name-example = Home
address-country = Country code
address-lines = Lines of the address
address-remove = Remove
edit = Edit
done-address-kept = Kept on this node.
done-address-removed = Removed.

look-lead = Kept in this browser only.
language = Language
language-auto = As the browser wishes
theme = Theme
theme-system = As the system has them
theme-light = Light
theme-dark = Dark
done-look = Changed for this browser.

limits-lead = They keep a stranger from filling your disk or your day. They are the same for everybody.
limits-talk = Talking
limits-trade = Buying and selling
limits-node = This node
limit-text = Longest text
limit-envelope = Largest signed message
limit-post-tags = Products in one post
limit-follows = People you can follow
limit-push-trusted = Messages taken unasked from somebody you know
limit-push-stranger = Messages taken unasked from a stranger
limit-push-bytes = Taken unasked from a stranger in a day
limit-bag-lines = Different things in one bag
limit-order-lines = Lines of one order
limit-order-units = Pieces in one line
limit-orders-open = Open orders of one buyer in one shop
limit-variants = Variants of one listing
limit-product-file = Largest product file
limit-devices = Devices of one person
limit-invitation = How long a device code works
limit-login = How long a login link works
limit-phones = Paired phones
limit-phone-code = How long a phone code works
limit-events = Events that are remembered
limit-body = Largest request to this node
limit-streams = Screens that update by themselves at a time
minutes = { $count ->
    [one] one minute
   *[other] { $count } minutes
}
an-hour = { $count } an hour

access-browser = Another browser on this computer
access-browser-lead = A link opens this page once, in a browser that is not logged in yet.
access-link = Make a link
access-link-once = { $count ->
    [one] Works once, for a minute.
   *[other] Works once, for { $count } minutes.
}
access-programs = Programs
access-programs-lead = Whatever this page can do, a program on this computer can do too. It proves itself with the token in this file:
access-url = Address
access-token = Token file
access-description = Description
access-token-warning = Whoever reads the token can do everything in your name. Give it to no website and to no program that you do not trust.

network-reached-world = Others reach you from anywhere
network-reached-local = Others reach you in your local network
network-reached-machine = Other nodes on this computer reach you
network-connected = { $count ->
    [one] One device is connected.
   *[other] { $count } devices are connected.
}
network-outward = You are connected, but nobody has reached you yet
network-outward-next = All works as long as somebody is connected. Give one of your addresses to people you know, or open its port in your router.
network-alone = You are alone
network-alone-next = Dial an address that somebody gave you, or wait: people on your local network show up by themselves.
network-deaf = This node listens at no address
network-deaf-next = See that this computer has a network, and start the node again.
network-peers = Connected devices
network-no-peers = Nobody is connected. What you write waits here and goes out by itself.
network-own-device = your own
network-incoming = called you
network-outgoing = you called
reach-machine = this computer
reach-local = local network
reach-world = internet
network-dial = Connect to somebody
network-address = Address
network-address-hint = It begins with / and ends with /p2p/ and an id.
network-dial-now = Dial
done-dialled = Connected.
network-given = Addresses to give to others
network-given-lead = Whoever has one can connect to this node.
given-machine = Works on this computer only
given-local = Works in your local network
given-world = Works from anywhere, if no router stands in between
network-checks = Health
network-all-good = all good
check-good = is good
check-bad = needs you
check-api = This page
check-api-next = Start the node again.
check-store = Store
check-store-next = Look at the node’s log.
check-store-rows = { $count ->
    [one] one row
   *[other] { $count } rows
}
check-room = Room on the disk
check-room-next = Free some space. When it is full, nothing new is taken, and nothing is lost.
check-clock = Clock
check-clock-next = The computer’s clock has jumped. Set it right and start the node again; until then it keeps its own time.
check-listening = Listening
check-listening-next = See that this computer has a network, and start the node again.
check-addresses = { $count ->
    [0] no address
    [one] one address
   *[other] { $count } addresses
}
check-peers = Connections
check-peers-next = Dial an address that somebody gave you.
check-devices = { $count ->
    [0] nobody
    [one] one device
   *[other] { $count } devices
}
check-event = Last event
check-event-next = Nothing has happened on this node yet. Follow somebody.
check-nothing-yet = none yet
check-past = Own past
check-past-next = Until that is settled this node signs nothing. Keep it connected to people you know.
past-restored = This node was restored, and asks others what you said since
past-copied = This directory was copied; the node asks others whether it is the newest copy
past-settled = This node knows again what others know of it
past-outdated = This is an old copy of your node; it signs nothing any more
past-revoked = This device was thrown out by another one of yours
network-traffic = Bytes
network-traffic-lead = Since the node was started.
traffic-kind = What
traffic-came = Came
traffic-went = Went
traffic-gossip = What people say in public
traffic-requests = Catching up, orders, tabs
network-storage = Kept here
kept-said = Posts, vouches, reviews, reactions
kept-state = Profiles and listings
kept-orders = Orders
kept-tabs = Tabs
kept-follows = People you follow
kept-waiting = Messages that wait for somebody
kept-own = Drafts, bags and addresses
kept-events = Events
kept-proofs = Proofs of double-dealing
bytes-store = The store on disk
bytes-search = The search index on disk
bytes-all = All of the node on disk

notices = Notices
notices-none = Nothing yet
notices-none-why = Answers, reactions, orders and vouches show up here.
notice-new = new
today = Today
yesterday = Yesterday
notice-order-asked = { $name } asks for a price
notice-order-quoted = { $name } made you an offer
notice-order-placed = { $name } ordered
notice-order-accepted = { $name } accepted your order
notice-order-paid = { $name } says that it is paid
notice-order-receipted = { $name } confirmed your payment
notice-order-fulfilled = { $name } sent your order
notice-order-completed = { $name } says that everything arrived
notice-order-declined = { $name } declined your order
notice-order-cancelled = { $name } took an order back
notice-order-lapsed = An order with { $name } lapsed
notice-tab = Your tab with { $name } changed
notice-answer = { $name } answered your post
notice-reaction = { $name } reacted to your post with { $emoji }
notice-reshare = { $name } passed your post on
notice-vouch = { $name } vouches for you
notice-unvouch = { $name } no longer vouches for you
notice-review = { $name } reviewed something from your shop
notice-equivocated = A device of { $name } said two different things under one number
notice-device = A device wants to become one of yours

more-money = What people owe you, and what you owe
more-people = Whom you follow, and whom they vouch for
more-shop = What you sell
more-notices = What happened while you were away
more-network = Who is connected, and whether all is well
more-settings = Identity, devices, backup, privacy, language
more-welcome = First steps
more-welcome-lead = Your name, your recovery words, people to follow
