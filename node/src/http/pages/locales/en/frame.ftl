# What stands on every screen, and what all of them share.
skip = Skip to the content
nav = Main
nav-feed = Home
nav-explore = Explore
nav-bag = Bag
nav-orders = Orders
nav-money = Money
nav-people = People
nav-shop = My shop
nav-network = Network
nav-settings = Settings
nav-more = More
find = Search listings
notices-unread = { $count ->
    [0] Notices
    [one] Notices, { $count } new
   *[other] Notices, { $count } new
}
your-profile = Your profile, { $name }
back-home = Back to the start
trouble-again = Try again
trouble-back = Go back
close = Close
save = Save
cancel = Cancel
older = Older
next-page = Next page
optional = optional
copy = Copy
show-details = Details

palette = Jump to a page or an action
palette-hint = Type where to go or what to find
palette-none = Nothing fits. Press Enter to search the listings.
keys = Keys
key-search = Search
key-palette = Jump to a page or an action
key-keys = This list
key-go = then a letter: go to a screen
key-single = Single keys lead somewhere (only ? stays)
copied = Copied
nav-words-open = your recovery words are not confirmed
offline = The node does not answer. What you type stays here; it goes on by itself when the node is back.

door = This is somebody's own node
door-how = Its owner opens it with a link that the program gives on this computer:
door-used = That link was used already, or it is too old. Get a new one on this computer:

pair-title = Use Souk on this phone
pair-lead = Go on only if the fingerprint of the certificate was the same as on your computer.
pair-name = Name of this phone
pair-name-hint = So that you know it again among your phones.
pair-now = Pair this phone
pair-closed-title = This phone is not paired
pair-closed = On the computer, open the settings, choose Devices, and pair this phone there.
pair-ended = This code was used already, or it is too old. Show a new one on the computer and scan that. If it was not you who used it, throw out there whatever phone you do not know.
pair-wait = Too many wrong codes were tried. Wait a minute and scan the code once more.

ago-now = just now
ago-minutes = { $count } min ago
ago-hours = { $count } h ago
ago-days = { $count ->
    [one] yesterday
   *[other] { $count } days ago
}
in-past = over
in-seconds = in { $count } s
in-minutes = in { $count } min
in-hours = in { $count } h
in-days = { $count ->
    [one] in a day
   *[other] in { $count } days
}
span-minutes = { $count ->
    [one] a minute
   *[other] { $count } minutes
}
span-hours = { $count ->
    [one] an hour
   *[other] { $count } hours
}
span-days = { $count ->
    [one] a day
   *[other] { $count } days
}
date = { $day } { $month } { $year }
date-time = { $date }, { $clock }
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec

problem-invalid = Something in the form is not right yet.
problem-no-token = This page is for the node's owner.
problem-origin = The request came from another page, so nothing was done.
problem-seal = This form is out of date. Please send it again.
problem-no-phone = This page is for paired phones.
problem-pair-code = This code does not count any more.
problem-not-from-phone = That is done on the computer, not on a phone.
problem-host = The node was asked under another name.
problem-not-found = That is not held here.
problem-method = That cannot be asked here.
problem-not-allowed = That cannot be done now.
problem-too-large = That is too large.
problem-too-many = That is too much for now.
problem-unreachable = The other node does not answer.
problem-stopping = The node is stopping. Start it again.
problem-fault = Something failed in the node. Nothing was lost; look at its log.
problem-too-little-credit = The tab has too little room.
problem-no-stock = There are not enough left.
problem-disk-full = The disk is full. Free some space; the node goes on by itself.
