# Finding things, a listing, a shop, the bag.
price-from = from { $price }
no-price = not sold now
