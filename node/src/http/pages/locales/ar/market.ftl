price-from = من { $price }
no-price = لا يُباع الآن
