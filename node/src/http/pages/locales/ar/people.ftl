# الناس.
people-find = ابحث عن شخص بمعرّفه أو رابطه
look = بحث
people-near = متصلون بك الآن
people-near-why = عُقَدهم متصلة بعقدتك. يستطيع أي شخص أن يتخذ أي اسم، فقارن المعرّف إن كان الأمر مهمًا.
people-suggested = يزكّيهم من تتابعهم
people-suggested-why = لا يمكن لأحد أن يشتري مكانًا في هذه القائمة.
people-followed = من تتابعهم
follows-none = لا تتابع أحدًا بعد
follows-none-why = اطلب من صديق معرّفه، أو امسح رمزه. عندها يصلك ما يقوله وما يوصي به.
follow = متابعة
unfollow = إلغاء المتابعة
follow-in-public = إعلان المتابعة
follow-public = علنًا
follow-private = لا يعلم بها غيرك
your-code = رمزك
your-code-why = دع أصدقاءك يمسحون هذا الرمز، أو أرسل إليهم معرّفك.
dial = اتصال
dial-address = عنوان العقدة الأخرى
this-is-you = هذا أنت
lookalike = احذر: هذا الاسم يشبه اسم { $name } الذي تعرفه، لكنه شخص آخر.
lookalike-real = انظر من تعرفه
vouched-by-nobody = لا يزكّيه أحد معروف هنا.
vouched-in = { $category }: تزكية من
their-shop = { $count ->
    [zero] المتجر، لا معروضات
    [one] المتجر، معروض واحد
    [two] المتجر، معروضان
    [few] المتجر، { $count } معروضات
    [many] المتجر، { $count } معروضًا
   *[other] المتجر، { $count } معروض
}
tab-together = حساب الثقة بينكما
grant-them = اسمح له بالدَّين لك
edit-profile = تعديل ملفك
code-of-person = رمزه
vouch = تزكية هذا الشخص
vouch-change = تغيير تزكيتك
vouch-why = لا تزكِّ إلا من تعرفهم. إن تبيّن أنهم محتالون، قلّ وزن كلمتك.
vouch-category = في ماذا
vouch-stands = هل التزكية سارية؟
vouch-yes = أزكّيه
vouch-no = لم أعد أزكّيه
vouch-reason = السبب
vouch-say = قلها علنًا
category-people = كشخص: يفي بوعوده ويسدّد ديونه
category-goods = بضائع
category-crafts = حِرَف
category-food = طعام
category-books = كتب
category-hotels = فنادق
what-they-said = ما قاله
said-nothing = لم يصل شيء إلى هنا.
stranger = لا يُعرف عنه شيء هنا
stranger-why = تابعه، وستسأل عقدتك عنه. وحين يصل منه شيء، يظهر هنا.
done-followed = أنت تتابعه الآن. يصلك ما قاله حالما يتوفر لدى إحدى العُقَد.
done-unfollowed = لم تعد تتابعه.
done-vouched = قيلت علنًا.
done-connected = تم الاتصال.
