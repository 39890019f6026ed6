# ما يظهر في كل شاشة، وما تشترك فيه الشاشات كلها.
skip = انتقل إلى المحتوى
nav = القائمة الرئيسية
nav-feed = الرئيسية
nav-explore = استكشاف
nav-bag = السلة
nav-orders = الطلبات
nav-money = المال
nav-people = الناس
nav-shop = متجري
nav-network = الشبكة
nav-settings = الإعدادات
nav-more = المزيد
find = ابحث في المعروضات
notices-unread = { $count ->
    [0] الإشعارات
    [one] الإشعارات، واحد جديد
   *[other] الإشعارات، { $count } جديدة
}
your-profile = ملفك، { $name }
back-home = العودة إلى البداية
trouble-again = حاول ثانية
trouble-back = ارجع
close = إغلاق
save = حفظ
cancel = إلغاء
older = الأقدم
next-page = الصفحة التالية
optional = اختياري
copy = نسخ
show-details = التفاصيل

palette = انتقل إلى صفحة أو إجراء
palette-hint = اكتب إلى أين تذهب أو عمّ تبحث
palette-none = لا شيء يطابق. اضغط Enter للبحث في المعروضات.
keys = المفاتيح
key-search = بحث
key-palette = انتقل إلى صفحة أو إجراء
key-keys = هذه القائمة
key-go = ثم حرف: اذهب إلى شاشة
key-single = مفاتيح مفردة للتنقل (يبقى ؟ وحده)
copied = نُسخ
nav-words-open = كلمات الاستعادة غير مؤكدة
offline = العقدة لا تجيب. ما تكتبه يبقى هنا، ويستمر العمل من تلقاء نفسه حين تعود.

door = هذه عقدة يملكها شخص ما
door-how = يفتحها صاحبها برابط يعطيه البرنامج على هذا الحاسوب:
door-used = استُخدم هذا الرابط من قبل أو انتهت مدته. احصل على رابط جديد على هذا الحاسوب:

pair-title = سوق على هذا الهاتف
pair-lead = لا تتابع إلا إذا كانت بصمة الشهادة هي نفسها التي على حاسوبك.
pair-name = اسم هذا الهاتف
pair-name-hint = لتعرفه بين هواتفك.
pair-now = اقرن هذا الهاتف
pair-closed-title = هذا الهاتف غير مقترن
pair-closed = افتح الإعدادات على الحاسوب، واختر الأجهزة، واقرن هذا الهاتف هناك.
pair-ended = استُخدم هذا الرمز من قبل أو انتهت مدته. أظهر رمزًا جديدًا على الحاسوب وامسحه. وإن لم تكن أنت من استخدمه فأخرج هناك كل هاتف لا تعرفه.
pair-wait = جُرّبت رموز خاطئة كثيرة. انتظر دقيقة وامسح الرمز مرة أخرى.

ago-now = الآن
ago-minutes = قبل { $count } د
ago-hours = قبل { $count } س
ago-days = { $count ->
    [one] أمس
    [two] قبل يومين
    [few] قبل { $count } أيام
   *[other] قبل { $count } يومًا
}
in-past = انتهى
in-seconds = خلال { $count } ث
in-minutes = خلال { $count } د
in-hours = خلال { $count } س
in-days = { $count ->
    [one] خلال يوم
    [two] خلال يومين
    [few] خلال { $count } أيام
   *[other] خلال { $count } يومًا
}
span-minutes = { $count ->
    [one] دقيقة واحدة
    [two] دقيقتين
    [few] { $count } دقائق
    [many] { $count } دقيقة
   *[other] { $count } دقيقة
}
span-hours = { $count ->
    [one] ساعة واحدة
    [two] ساعتين
    [few] { $count } ساعات
    [many] { $count } ساعة
   *[other] { $count } ساعة
}
span-days = { $count ->
    [one] يوم واحد
    [two] يومين
    [few] { $count } أيام
    [many] { $count } يومًا
   *[other] { $count } يوم
}
date = { $day } { $month } { $year }
date-time = { $date }، { $clock }
month-1 = يناير
month-2 = فبراير
month-3 = مارس
month-4 = أبريل
month-5 = مايو
month-6 = يونيو
month-7 = يوليو
month-8 = أغسطس
month-9 = سبتمبر
month-10 = أكتوبر
month-11 = نوفمبر
month-12 = ديسمبر

problem-invalid = شيء في النموذج ليس صحيحًا بعد.
problem-no-token = هذه الصفحة لصاحب العقدة.
problem-origin = جاء الطلب من صفحة أخرى، فلم يُفعل شيء.
problem-seal = هذا النموذج قديم. أرسله مرة أخرى من فضلك.
problem-no-phone = هذه الصفحة للهواتف المقترنة.
problem-pair-code = لم يعد هذا الرمز صالحًا.
problem-not-from-phone = يُفعل هذا على الحاسوب لا على الهاتف.
problem-host = سُئلت العقدة باسم آخر.
problem-not-found = هذا غير موجود هنا.
problem-method = لا يمكن طلب ذلك هنا.
problem-not-allowed = لا يمكن فعل ذلك الآن.
problem-too-large = هذا كبير جدًا.
problem-too-many = هذا كثير الآن.
problem-unreachable = العقدة الأخرى لا تجيب.
problem-stopping = العقدة تتوقف. شغّلها من جديد.
problem-fault = تعذّر شيء في العقدة. لم يضع شيء؛ انظر في سجلها.
problem-too-little-credit = لا يتسع حساب الثقة لهذا.
problem-no-stock = لم يبق ما يكفي.
problem-disk-full = القرص ممتلئ. أفرغ بعض المساحة وتتابع العقدة من تلقاء نفسها.
