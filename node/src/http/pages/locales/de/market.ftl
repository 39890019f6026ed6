price-from = ab { $price }
no-price = wird gerade nicht verkauft
