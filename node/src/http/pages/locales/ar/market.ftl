# البحث، والمعروض، والمتجر، والسلة.
price-from = من { $price }
no-price = لا يُباع الآن
rating = { $mean } ({ $count })
sold-out = نفد
in-stock = متوفر
left = { $count ->
    [0] نفد
    [one] بقي واحد
    [two] بقي اثنان
   *[other] بقي { $count }
}
found-for = «{ $text }»
found = { $count ->
    [0] لم يُعثر على شيء.
    [one] معروض واحد.
    [two] معروضان.
    [few] { $count } معروضات.
    [many] { $count } معروضًا.
   *[other] { $count } معروض.
}
found-corrected = لا شيء بهذه الكتابة تمامًا، وهذه أقرب النتائج إليها.
not-for-sale = لا يمكن لأحد أن يشتري مكانًا في هذه القائمة.
view = طريقة العرض
view-grid = على شكل شبكة
view-list = على شكل قائمة
filters = عوامل التصفية
facet-more = عرض المزيد
filter-remove = إزالة عامل التصفية هذا
sort = الترتيب
sort-relevance = الأكثر مطابقة
sort-newest = الأحدث أولًا
sort-price-up = الأرخص أولًا، بعملة { $currency }
sort-price-down = الأغلى أولًا، بعملة { $currency }
price = السعر
price-min = الأدنى
price-max = الأقصى
price-at-least = { $price } على الأقل
price-at-most = { $price } على الأكثر
prices-in = الأسعار بعملة { $currency }
explore-wrong-price = «{ $text }» ليس سعرًا بهذه العملة. اكتبه مثل 12.50؛ وما يظهر هنا غير محصور بسعر.
explore-wrong-currency = «{ $text }» ليست عملة. اكتب حروفها الثلاثة، مثل EUR؛ وما يظهر هنا غير محصور بسعر.
search-cut = وُجد أكثر مما يمكن عرضه هنا. ضيّق البحث لترى الباقي.
currency = العملة
only-in-stock = المتوفر فقط
apply = تطبيق
facet-category = الفئة
facet-vendor = الصانع
facet-kind = النوع
kind-physical = سلعة
kind-digital = ملف
kind-service = خدمة
nothing-found = لم يُعثر على شيء
nothing-found-why = تبحث عقدتك في متاجر من تعرفهم. تابع المزيد منهم، أو استخدم كلمات أقل.
previous-page = الصفحة السابقة
search = بحث
listings-count = { $count ->
    [zero] لا معروضات
    [one] معروض واحد
    [two] معروضان
    [few] { $count } معروضات
    [many] { $count } معروضًا
   *[other] { $count } معروض
}
seller-here = البائع متصل الآن
seller-seen = آخر خبر من البائع: { $ago }
seller-unseen = لا خبر من البائع بعد
stock-as-of = آخر تحديث: { $ago }
vouched-by = { $count ->
    [one] تزكية من
    [two] تزكية من شخصين معروفين هنا:
    [few] تزكية من { $count } أشخاص معروفين هنا:
    [many] تزكية من { $count } شخصًا معروفًا هنا:
   *[other] تزكية من { $count } شخص معروف هنا:
}
manage-shop = إدارة المتجر
owner = صاحب المتجر
bag-holds = { $count ->
    [zero] السلة فارغة
    [one] السلة: قطعة واحدة
    [two] السلة: قطعتان
    [few] السلة: { $count } قطع
   *[other] السلة: { $count } قطعة
}
policies = الشحن والإرجاع
shipping = الشحن
shipping-none = لا يرسل هذا المتجر شيئًا.
everywhere-else = كل مكان آخر
per-kg = { $price } للكيلوغرام
free-from = مجاني ابتداءً من { $price }
returns = الإرجاع
returns-none = لا إرجاع.
returns-days = { $count ->
    [one] خلال يوم واحد من وصوله.
    [two] خلال يومين من وصوله.
    [few] خلال { $count } أيام من وصوله.
    [many] خلال { $count } يومًا من وصوله.
   *[other] خلال { $count } يوم من وصوله.
}
terms = الشروط
search-shop = ابحث في هذا المتجر
nothing-here = لا شيء هنا
nothing-here-why = لا شيء يطابق، أو لم يُنشر شيء بعد.
show-all = عرض الكل
where = موضع هذه الصفحة
pictures-elsewhere = { $count ->
    [zero] لا صور في مكان آخر
    [one] صورة واحدة في مكان آخر
    [two] صورتان في مكان آخر
    [few] { $count } صور في مكان آخر
   *[other] { $count } صورة في مكان آخر
}
pictures-elsewhere-why = هذه الصور محفوظة على أجهزة أناس آخرين، وستعرف تلك الأجهزة أنك تنظر إليها. لذلك لا يُحمَّل شيء حتى تفتح رابطًا.
picture = صورة
unpublished = لا يراه غيرك
price-before = السعر السابق:
shipping-not-needed = لا حاجة إلى الشحن
shipping-to = + { $price } للشحن إلى { $country }
shipping-free-to = شحن مجاني إلى { $country }
shipping-not-there = لا شحن إلى { $country }
shipping-unknown = الشحن مذكور في عرض السعر
shipping-for = الشحن إلى { $country }
total-is = المجموع { $price }
variant = الخيار
choose = اختيار
units = الكمية
put-in-bag = أضف إلى السلة
buy-now = اشترِ
edit-listing = تعديل
post-about = اكتب عنه
silence = عند عدم الرد
silence-before = تدفع ما ورد في عرض السعر الموقّع. وإن لم يردّ البائع في الوقت المحدد، انقضى الطلب ولم يترتب عليك شيء.
silence-quote = يسري السعر الموقّع إذا طلبت خلال { $span }. ومن لم يطلب فلا شيء عليه.
silence-accept = إن لم يقبل البائع خلال { $span }، فلك أن تنهي الطلب، ولا شيء على أحد.
silence-pay = إن لم تدفع بعد ذلك خلال { $span }، فللبائع أن ينهيه، ولا شيء على أحد.
silence-receipt = إن لم يؤكد البائع دفعك خلال { $span }، فلك أن تنهيه، ويجب ردّ مالك.
silence-fulfil = إن لم يُرسَل أو يُسلَّم بعد ذلك خلال { $span }، فلك أن تنهيه، ويجب ردّ مالك.
silence-complete = إن لم تقل شيئًا بعد ذلك خلال { $span }، عُدّ كل شيء واصلًا سليمًا.
silence-steps = كم قد تستغرق كل خطوة
description = الوصف
reviews = { $count ->
    [0] التقييمات
    [one] تقييم واحد
    [two] تقييمان
    [few] { $count } تقييمات
    [many] { $count } تقييمًا
   *[other] { $count } تقييم
}
reviews-none = لم يقيّمه أحد بعد. لا يستطيع ذلك إلا من اشتراه.
you-follow = أنت تتابعه
done-bagged = أصبح في سلتك.
done-bag-changed = السلة الآن كما تريدها.
done-asked = سُئل المتجر عن سعره الملزم. يأتي الرد حالما يتصل المتجر.
bag-is-empty = سلتك فارغة
bag-is-empty-why = ما تضعه جانبًا يبقى في عقدتك إلى أن تسأل متجرًا عن سعره.
explore-goods = ألقِ نظرة
bag-how = لكل متجر طلب مستقل. يجيب المتجر بسعر موقّع قبل أن تقرر.
line-gone = لم يعد يُباع
remove = إزالة
subtotal = البضائع
total = المجموع
country = البلد
country-hint = حرفان، مثل DE
note = كلمة إلى البائع
save-units = حفظ
ask-price = اسأل عن السعر الملزم
ask-price-why = لم يُطلب شيء بعد. تجيب عقدة البائع بعرض سعر موقّع، وعندها تقرر.
