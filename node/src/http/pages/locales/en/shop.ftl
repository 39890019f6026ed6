# The owner's shop, product files, and the storefront for everybody else.
shop-do = What you can do
shop-as-others = As others see it
shop-terms = Terms
shop-import = Import
shop-export = Export all listings as a file
shop-new = New listing
shop-to-do = Orders to act on
shop-all-orders = All { $count } orders that wait for you
shop-do-accept = Accept
shop-do-paid = Check payment
shop-do-ship = Ship
shop-do-look = Look
shop-goods = Listings
shop-show = Which listings to show
shop-all = All
shop-published = Published
shop-drafts = Drafts
shop-sold-out = Sold out
shop-find = Search your listings
shop-find-do = Search
shop-corrected = Nothing is spelled like that; this comes close.
shop-none = No listing fits.
shop-all-again = Show all
shop-empty = Your shop is open and empty
shop-empty-how = Add a first listing by hand, or bring all of them along as a product file from another shop system.
shop-title = Title
shop-price = Price
shop-price-in = Price in { $currency }
shop-stock = Stock
shop-public = Public
shop-stock-hint = An empty stock field means that units are not counted: as many as anybody asks for can be sold.
shop-variant = Variant
shop-variants = { $count ->
    [one] { $count } variant
   *[other] { $count } variants
}
shop-edit-variants = Edit { $count } variants
shop-more-variants = More variants
shop-range = { $from }–{ $to } of { $count }
shop-earlier = Previous page
shop-save = Save changes
done-shop-saved = Saved. Everybody who holds your shop gets it now.
done-shop-same = Nothing was changed.
done-shop-open = Your shop is open.
done-shop-terms = The terms are set.
done-shop-removed = Removed for good.
done-shop-new = The listing is made.
done-shop-forgotten = Nothing was imported.

shop-open = Open your shop
shop-open-how = A few terms, and you can sell. You can change them later; open orders keep the terms they were made under.
shop-open-do = Open the shop
shop-terms-public = Everybody sees these terms, except how to pay, which a buyer sees with the order.
shop-currency = Currency of all prices
shop-currency-hint = Three letters, such as EUR. It stays once there are listings.
shop-shipping = Shipping for an order
shop-shipping-hint = A flat price, anywhere. Empty for free shipping.
shop-free-from = Free shipping from
shop-free-from-hint = The subtotal from which on it is free. Empty for never.
shop-returns = Days to send things back
shop-returns-hint = 0 for no returns beyond the law.
shop-payment = How to pay you
shop-payment-hint = Words or an IBAN, shown to a buyer who does not pay on a tab. Empty if you take tabs only.
shop-by-itself = Accept every order that the stock allows without asking me

shop-is-public = Public
shop-is-draft = Draft
shop-changed-ago = changed { $ago }
shop-see = See it as others do
shop-post-about = Post about it
shop-description = Description
shop-markdown = You can write **bold**, *italic*, lists with a dash, and [links](https://…).
shop-price-stock = Price and stock
shop-visibility = Visibility
shop-published-do = Published
shop-published-hint = Everybody can find and buy what is published. A draft stays with you.
shop-facts = About it
shop-kind = Kind
shop-kind-physical = A thing that is sent or picked up
shop-kind-digital = A file or a right
shop-kind-service = Work that is done
shop-vendor = Maker
shop-category = Category
shop-tags = Labels
shop-tags-hint = Words to find it by, with commas between.
shop-handle = Short name
shop-remove = Remove this listing
shop-remove-what = It disappears for everybody, and its address is not used again. Orders that are open go on. To take it down for a while, unpublish it instead.
shop-remove-do = Remove for good
shop-options = It comes in sizes, colours or the like
shop-options-hint = Every combination becomes a variant. They start with the price and stock above; you set each one next.
shop-option-name = Option { $number }, such as size
shop-option-values = Its values, with commas between
shop-ships = It has to be shipped
shop-weight = Weight in grams
shop-create = Create the listing

import-how = Bring your products along as a file: a CSV as Shopify exports it, or one like it. You see what it would change before anything is written.
import-file = Choose a file, or drop it here
import-file-hint = CSV in UTF-8, up to { $size }.
import-drafts = Publish also what the file keeps unpublished
import-look = See what it would change
import-kept = { $name } was read and waits for you
import-what = What { $name } would change
import-nothing-yet = Nothing is written yet.
import-new = New
import-changed = Changed
import-same = The same
import-warnings = Warnings
import-warned = { $count ->
    [one] { $count } warning
   *[other] { $count } warnings
}
import-stock-stays = { $count ->
    [one] For { $count } variant the file has another stock than your shop. Your shop's number stays, because sales count from it.
   *[other] For { $count } variants the file has another stock than your shop. Your shop's numbers stay, because sales count from them.
}
import-do = { $count ->
    [one] Import { $count } listing
   *[other] Import { $count } listings
}
import-anyway = Nothing to change; import anyway
import-forget = Discard
import-becomes = Becomes
import-details = In detail
import-is-new = new
import-is-changed = changed
import-published = is published
import-unpublished = is taken down
import-added = { $count ->
    [one] { $count } new variant
   *[other] { $count } new variants
}
import-removed = { $count ->
    [one] { $count } variant is removed
   *[other] { $count } variants are removed
}
import-other = Description, pictures or other details
import-further = and { $count } more
import-runs = Importing { $name }
import-progress = { $listings } of { $of } listings
import-goes-on = It goes on when you leave this page.
import-done = Imported
import-to-shop = To your listings
import-failed = The import stopped
import-failed-what = What was written until then stays. Import the file again, and it goes on from there.

front-skip = Skip to the listings
front-find = Search this shop
front-find-do = Search
front-categories = Categories
front-all = Everything
front-count = { $count ->
    [one] { $count } listing
   *[other] { $count } listings
}
front-found = { $count ->
    [0] Nothing found for “{ $text }”
    [one] { $count } listing for “{ $text }”
   *[other] { $count } listings for “{ $text }”
}
front-none = Nothing is for sale here yet
front-earlier = Previous page
front-later = Next page
front-back = All listings
front-sold-out = Sold out
front-left = { $count ->
    [one] Only { $count } left
   *[other] { $count } in stock
}
front-uncounted = Available
front-as-of = As of { $when }
front-before = before { $price }
front-variant = Variant
front-price = Price
front-stock = Stock
front-pictures = Pictures elsewhere
front-pictures-hint = They are not loaded here; a link opens them where they are.
front-delivery = Shipping and returns
front-ships-flat = Shipping costs { $price } for a whole order, anywhere.
front-ships-free = Shipping is free, anywhere.
front-ships-free-from = From { $price } on, shipping is free.
front-ships-asked = What shipping costs you are told before you order.
front-ships-not = Nothing is shipped.
front-returns = { $count ->
    [0] Returns are taken as the law says.
    [one] You can send it back within { $count } day.
   *[other] You can send it back within { $count } days.
}
front-reviews = Reviews
front-no-reviews = Nobody has reviewed it yet.
front-rating = { $mean } of 5 from { $count ->
    [one] { $count } purchase
   *[other] { $count } purchases
}
front-bought = Bought it
front-buy = Buy it
front-buy-how = This shop sells over Souk, without anybody in between. With a node of your own, open this address in it:
front-buy-command = or look it up on the command line:
front-vendor = Made by { $name }
front-follow = Follow this shop in your own node:
front-feeds = News as a feed
front-missing = There is nothing here
front-missing-what = It may have been sold or taken down.
front-too-many = Too many requests
front-too-many-what = Please wait a moment and try again.
front-busy = Many are looking just now
front-busy-what = Please wait a few seconds and try again.
front-method = This shop can only be read
front-method-what = It answers GET and HEAD.
front-failed = Something failed
front-failed-what = Please try again later.
