# Finding things, a listing, a shop, the bag.
price-from = from { $price }
no-price = not sold now
rating = { $mean } ({ $count })
sold-out = Sold out
in-stock = In stock
left = { $count ->
    [0] Sold out
    [one] { $count } left
   *[other] { $count } left
}
found-for = “{ $text }”
found = { $count ->
    [0] Nothing found.
    [one] { $count } listing.
   *[other] { $count } listings.
}
found-corrected = Nothing was spelt quite so; these are near it.
not-for-sale = Nobody can buy a place in this list.
view = How to show it
view-grid = As a grid
view-list = As a list
filters = Filters
facet-more = Show more
filter-remove = remove this filter
sort = Order
sort-relevance = Best match
sort-newest = Newest
sort-price-up = Cheapest first, in { $currency }
sort-price-down = Dearest first, in { $currency }
price = Price
price-min = at least
price-max = at most
price-at-least = at least { $price }
price-at-most = at most { $price }
prices-in = Prices in { $currency }
explore-wrong-price = “{ $text }” is no price in this currency. Write it like 12.50; what is shown here is not narrowed by price.
explore-wrong-currency = “{ $text }” is no currency. Write its three letters, such as EUR; what is shown here is not narrowed by price.
search-cut = More was found than can be shown here. Narrow the search to see the rest.
currency = Currency
only-in-stock = Only what can be had
apply = Apply
facet-category = Category
facet-vendor = Made by
facet-kind = Kind
kind-physical = A thing
kind-digital = A file
kind-service = A service
nothing-found = Nothing found
nothing-found-why = Your node searches the shops of people you know. Follow more of them, or use fewer words.
previous-page = Previous page
search = Search
listings-count = { $count ->
    [one] { $count } listing
   *[other] { $count } listings
}
seller-here = The seller is here now
seller-seen = Seller last heard of { $ago }
seller-unseen = Nothing heard of the seller yet
stock-as-of = as of { $ago }
vouched-by = { $count ->
    [one] Vouched for by
   *[other] Vouched for by { $count } people known here:
}
manage-shop = Manage the shop
owner = Who is behind it
bag-holds = { $count ->
    [one] Bag: { $count } thing
   *[other] Bag: { $count } things
}
policies = Shipping and returns
shipping = Shipping
shipping-none = This shop sends nothing.
everywhere-else = everywhere else
per-kg = { $price } a kilogram
free-from = free from { $price }
returns = Returns
returns-none = No returns.
returns-days = { $count ->
    [one] Within { $count } day after it came.
   *[other] Within { $count } days after it came.
}
terms = Terms
search-shop = Search this shop
nothing-here = Nothing to see here
nothing-here-why = Nothing fits, or nothing is published yet.
show-all = Show everything
where = Where this is
pictures-elsewhere = { $count ->
    [one] { $count } picture elsewhere
   *[other] { $count } pictures elsewhere
}
pictures-elsewhere-why = They are kept on other people's machines, which would see that you look. So nothing is loaded until you follow a link.
picture = Picture
unpublished = Only you see it
price-before = Before:
shipping-not-needed = Nothing to send
shipping-to = + { $price } shipping to { $country }
shipping-free-to = Free shipping to { $country }
shipping-not-there = Not sent to { $country }
shipping-unknown = Shipping is in the quote
shipping-for = Shipping to { $country }
total-is = { $price } in all
variant = Variant
choose = Choose
units = Units
put-in-bag = Put in the bag
buy-now = Buy
edit-listing = Edit
post-about = Post about it
silence = If nobody answers
silence-before = You pay what the signed quote says. If the seller does not answer in time, the order lapses and you owe nothing.
silence-quote = The signed price holds for { $span }. Whoever does not order upon it by then owes nothing.
silence-accept = If the seller does not accept within { $span }, you may end the order, and nothing is owed.
silence-pay = If you do not pay within { $span } of that, the seller may end it, and nothing is owed.
silence-receipt = If the seller does not confirm your payment within { $span }, you may end it, and your money is due back.
silence-fulfil = If it is not sent or handed over within { $span } of that, you may end it, and your money is due back.
silence-complete = If you say nothing within { $span } after that, it counts as arrived in good order.
silence-steps = How long each step may take
description = About it
reviews = { $count ->
    [0] Reviews
    [one] { $count } review
   *[other] { $count } reviews
}
reviews-none = Nobody has reviewed it yet. Only people who bought it can.
you-follow = You follow them
done-bagged = It is in your bag.
done-bag-changed = The bag is as you want it.
done-asked = The shop was asked for its binding price. It comes as soon as the shop is there.
bag-is-empty = Your bag is empty
bag-is-empty-why = What you put aside stays on your node, until you ask a shop for its price.
explore-goods = Look around
bag-how = Each shop is an order of its own. The shop answers with a signed price before you decide.
line-gone = not sold any more
remove = Remove
subtotal = Goods
total = Total
country = Country
country-hint = Two letters, such as DE
note = A word to the seller
save-units = Save
ask-price = Ask for the binding price
ask-price-why = Nothing is ordered yet. The seller's node answers with a signed quote, and you decide then.
