# الخطوات الأولى والشبكة والإعدادات والإشعارات وسائر الأماكن.
welcome = أهلًا بك في سوق
welcome-lead = هذه عقدتك أنت: ما تكتبه وتشتريه وتبيعه يبقى على هذا الحاسوب. ثلاثة أمور صغيرة وتبدأ.
welcome-name = ما الاسم الذي تُعرف به؟
your-name = اسمك
your-name-hint = يراه الجميع. تُصنع الصورة من اسمك ومعرّفك، فلا يستطيع أحد أن يظهر مثلك تمامًا.
welcome-people = تابع من تعرفهم
welcome-done = إلى الرئيسية
welcome-phone = أتريد أن يكون كل هذا في جيبك أيضًا؟
follows-now = { $count ->
    [0] لا تتابع أحدًا بعد.
    [one] تتابع شخصًا واحدًا.
    [two] تتابع شخصين.
    [few] تتابع { $count } أشخاص.
   *[other] تتابع { $count } شخصًا.
}
near = متصلون الآن
near-nobody = لا أحد جديد متصل. من هم على شبكتك المحلية يظهرون هنا تلقائيًا.
follow-them = متابعة
follow-who = معرّف أو رابط أو عنوان
follow-who-hint = ألصق ما أُرسل إليك أو ما قرأته من رمز QR.
follow-openly = ليرَ الجميع أنني أتابع هذا الشخص
your-id = معرّفك
your-id-hint = أعطه لمن يريد أن يتابعك. ليس سرًّا.
qr-of-id = رمز QR لمعرّفك
done-following = أنت تتابع الآن. يصل ما قيل حين يتصل من يملكه.
done-profile = حُفظ. يراه الجميع من الآن.

words-title = كلمات الاستعادة
words-badge = غير مؤكدة
words-good = مؤكدة
words-open = 24 كلمة هي هويتك. إن ضاع هذا الحاسوب أعادتها، ومن يملكها فهو أنت. اكتبها على ورق.
words-confirmed = أكدت أنك كتبتها. احفظ الورقة حيث لا يقرؤها غيرك.
words-elsewhere = الكلمات الأربع والعشرون على الجهاز الذي أدخل هذا الجهاز. انظر إليها هناك.
words-paper = أُخرجت الكلمات الأربع والعشرون من هذه العقدة: هي على ورقتك وحدها.
words-warning = لا تدع أحدًا يراها، ولا تصورها، ولا تكتبها في أي موقع.
words-show = أظهر الكلمات
words-confirm = أكد ثلاثًا منها
words-confirm-why = لتجد أي خطأ في ورقتك الآن لا حين تحتاج إليها.
word-number = الكلمة { $number }
confirm = تأكيد
done-words-confirmed = الثلاث صحيحة. احفظ الورقة جيدًا.

settings-identity = الهوية
settings-devices = الأجهزة
settings-backup = النسخ الاحتياطي
settings-privacy = الخصوصية
settings-addresses = العناوين
settings-look = اللغة والمظهر
settings-limits = الحدود
settings-access = الوصول
profile-title = الملف
about = عنك
see-as-others = انظر ما يراه الآخرون

devices-lead = كل منها يتكلم باسمك بمفتاح خاص به.
device-this-one = هذا الجهاز
device-this = هذا
device-primary = الرئيسي
device-connected = متصل
device-away = غائب
device-since = منذ { $date }
device-waits = ما زال هذا الجهاز ينتظر وثائق المتجر. أبقه متصلًا بالجهاز الرئيسي.
device-revoked = أُخرج هذا الجهاز: لم يعد لما يقوله اعتبار.
device-revoke = إخراج
device-revoke-means = لجهاز ضاع أو بيع. لا يُعتد بما يقوله بعد ذلك، ولا رجعة في هذا.
device-revoke-sure = أنا متأكد
device-revoke-now = أخرج هذا الجهاز
done-device-out = أُخرج الجهاز. راجع أسعارك ومخزونك.
device-add = إضافة جهاز
device-add-lead = تحصل على رمز تكتبه أو تمسحه على الجهاز الآخر. يصلح لعشر دقائق ولجهاز واحد.
device-invite = أظهر رمزًا
device-add-how = شغّل هذا على الجهاز الآخر. ثم يعرض كلاهما أربع كلمات تقارنها هنا.
qr-of-code = رمز QR للجهاز الآخر
device-code-secret = من يملك هذا الرمز يستطيع أن يطلب أن يكون أنت. لا تُرِه أحدًا.
device-compare-now = يعرض أربع كلمات
device-invited = هناك رمز صالح، وينتهي { $until }
device-close = أغلقه
done-invitation-closed = لم يعد أي جهاز يدخل بذلك الرمز.
device-asks = جهاز يريد أن يصبح من أجهزتك
device-asks-name = «{ $name }» يريد أن يصبح من أجهزتك
device-asks-compare = هل يعرض هذه الكلمات الأربع بعينها؟
device-same = نعم، الكلمات نفسها
device-other = لا، ارفضه
done-device-in = صار من أجهزتك.

phones-title = سوق على هاتفك
phones-lead = يعرض هاتفك صفحات هذا الحاسوب عبر شبكتك أنت ومشفّرة، ولا يحتفظ إلا بمفتاحه إليها.
phones-on = مفعّل
phones-off = متوقف
phones-turn-on = أدخل الهواتف
phones-on-means = يجيب هذا الحاسوب عندئذ في شبكتك المحلية. ومن ليس مقترنًا يجد بابًا مغلقًا.
phones-turn-off = لا تُدخل أي هاتف بعد الآن
phones-failed = لا تستطيع الهواتف الدخول الآن.
phones-no-address = هذا الحاسوب ليس في شبكة محلية الآن. صِله بها وأعد تحميل الصفحة.
phones-at = تجده الهواتف هنا:
phones-paired = الهواتف المقترنة
phone-since = اقترن { $paired }، وشوهد آخر مرة { $seen }
phone-out = إخراج
phone-pair = اقرن هاتفًا
phone-scan = امسح هذا بكاميرا الهاتف. يجب أن يكون الهاتف في الشبكة نفسها.
phone-or-type = أو اكتبه هناك:
phone-other-addresses = عنوان آخر
phone-warning = يحذّر متصفح الهاتف لأن هذا الحاسوب يشهد لنفسه ولا تشهد له شركة. قبل أن تتابع هناك انظر في الشهادة: يجب أن تكون بصمتها SHA-256 هذه بعينها. إن كانت غيرها فهناك من يتوسط؛ توقف.
phone-press = سمِّ الهاتف هناك واضغط الزر.
phone-code-once = يصلح الرمز مرة واحدة، لهاتف واحد، لمدة { $count } دقائق.
qr-of-phone = رمز QR للهاتف
phone-not-here = كلمات الاستعادة والأجهزة والنسخ الاحتياطي والوصول كلها على الحاسوب الذي تعمل عليه عقدتك وحده.
done-phones-on = تستطيع الهواتف التي تقرنها الدخول الآن.
done-phones-off = لم يعد أي هاتف يدخل. وما كان مفتوحًا أُغلق.
done-phone-out = ذلك الهاتف خارجٌ من الآن.

backup-make = إنشاء نسخة احتياطية
backup-lead = ملف مشفّر واحد فيه كل ما تذكره هذه العقدة: ما قلته، والطلبات، والحسابات، ومتجرك، وعناوينك. وتستمر العقدة في العمل أثناء ذلك.
backup-no-words = ليست فيها كلمات الاستعادة لأنها غير محفوظة على هذه العقدة.
backup-passphrase = عبارة مرور للملف
backup-again = العبارة نفسها مرة أخرى
backup-passphrase-hint = لا يفتح الملف أحد دونها، ولا أنت. ولا تُحفظ في أي مكان.
backup-download = نزّل النسخة الاحتياطية
restore = الاستعادة
restore-lead = الاستعادة تصنع جهازًا جديدًا، فتُجرى على حاسوب لا تعمل عليه عقدة بعد.
restore-file = من ملف نسخة احتياطية:
restore-words = دون ملف، من الكلمات الأربع والعشرين التي يسأل عنها البرنامج، ويُجلب ما قلته علنًا ممن يملكه:
restore-once = ثم أخرج الجهاز الضائع من صفحة الأجهزة.

privacy-seen = ما يراه الجميع
privacy-seen-lead = كل ما هنا علني وموقّع منك ولا يمكن سحبه.
privacy-no-about = لا تقول شيئًا عن نفسك.
privacy-posts = المنشورات والردود
privacy-vouches = التزكيات
privacy-reviews = التقييمات
privacy-shop = المتجر
privacy-no-shop = لا يوجد
privacy-follows = متابعات علنية
privacy-nobody = لا أحد
privacy-open = افتح ملفك
shop-listings = { $count ->
    [0] لا معروضات
    [one] معروض واحد
    [two] معروضان
    [few] { $count } معروضات
   *[other] { $count } معروضًا
}
and-others = { $count ->
    [one] وواحد آخر
    [two] واثنان آخران
    [few] و{ $count } آخرون
   *[other] و{ $count } آخرون
}
privacy-some = ما يراه بعضهم
privacy-orders = الطلب وعنوان تسليمه ورسائله: المشتري والمتجر.
privacy-tabs = حساب الثقة: الشخصان اللذان يتشاركانه.
privacy-network = عنوانك على الشبكة: الأجهزة المتصلة بك.
privacy-kept = ما لا يغادر هذه العقدة أبدًا
privacy-kept-lead = هو في نسخك الاحتياطية وليس في مكان آخر. ولا يحصل متجر على عنوان إلا مع طلب ترسله.
privacy-private-follows = متابعات خاصة
privacy-drafts = مسودات
privacy-bag = أشياء في السلة

addresses-lead = تبقى على هذه العقدة. لا يحصل متجر على عنوان إلا مع طلب ترسله إليه.
addresses-none = لا عنوان بعد. أضف واحدًا ليصبح الطلب أقصر بخطوة.
address-new = عنوان جديد
address-name = سمِّه
address-name-example = المنزل
address-country = رمز البلد
address-lines = أسطر العنوان
address-remove = إزالة
edit = تعديل
done-address-kept = حُفظ على هذه العقدة.
done-address-removed = أُزيل.

look-lead = في هذا المتصفح وحده.
language = اللغة
language-auto = كما يرغب المتصفح
theme = المظهر
theme-system = كما في النظام
theme-light = فاتح
theme-dark = داكن
done-look = تغيّر في هذا المتصفح.

limits-lead = تمنع الغرباء من أن يملؤوا قرصك أو يومك. وهي واحدة للجميع.
limits-talk = الكلام
limits-trade = البيع والشراء
limits-node = هذه العقدة
limit-text = أطول نص
limit-envelope = أكبر رسالة موقّعة
limit-post-tags = منتجات في منشور واحد
limit-follows = من يمكنك متابعتهم
limit-push-trusted = رسائل تُقبل دون طلب ممن تعرفه
limit-push-stranger = رسائل تُقبل دون طلب من غريب
limit-push-bytes = ما يُقبل دون طلب من غريب في اليوم
limit-bag-lines = أشياء مختلفة في سلة واحدة
limit-order-lines = أسطر الطلب الواحد
limit-order-units = القطع في السطر الواحد
limit-orders-open = طلبات مفتوحة لمشترٍ واحد في متجر واحد
limit-variants = أنواع المعروض الواحد
limit-product-file = أكبر ملف منتجات
limit-devices = أجهزة الشخص الواحد
limit-invitation = مدة صلاحية رمز الجهاز
limit-login = مدة صلاحية رابط الدخول
limit-phones = الهواتف المقترنة
limit-phone-code = مدة صلاحية رمز الهاتف
limit-events = أحداث تُحفظ
limit-body = أكبر طلب إلى هذه العقدة
limit-streams = شاشات تتجدد تلقائيًا في وقت واحد
minutes = { $count ->
    [one] دقيقة واحدة
    [two] دقيقتان
    [few] { $count } دقائق
   *[other] { $count } دقيقة
}
an-hour = { $count } في الساعة

access-browser = متصفح آخر على هذا الحاسوب
access-browser-lead = رابط يفتح هذه الصفحة مرة واحدة في متصفح لم يدخل بعد.
access-link = أنشئ رابطًا
access-link-once = { $count ->
    [one] يعمل مرة واحدة خلال دقيقة.
    [two] يعمل مرة واحدة خلال دقيقتين.
    [few] يعمل مرة واحدة خلال { $count } دقائق.
   *[other] يعمل مرة واحدة خلال { $count } دقيقة.
}
access-programs = البرامج
access-programs-lead = كل ما تستطيعه هذه الصفحة يستطيعه برنامج على هذا الحاسوب. ويُثبت نفسه بالرمز الموجود في هذا الملف:
access-url = العنوان
access-token = ملف الرمز
access-description = الوصف
access-token-warning = من يقرأ الرمز يستطيع كل شيء باسمك. لا تعطه لموقع ولا لبرنامج لا تثق به.

network-reached-world = يصل إليك الآخرون من أي مكان
network-reached-local = يصل إليك الآخرون في شبكتك المحلية
network-reached-machine = تصل إليك عقد أخرى على هذا الحاسوب
network-connected = { $count ->
    [one] جهاز واحد متصل.
    [two] جهازان متصلان.
    [few] { $count } أجهزة متصلة.
   *[other] { $count } جهازًا متصلًا.
}
network-outward = أنت متصل، لكن لم يصل إليك أحد بعد
network-outward-next = كل شيء يعمل ما دام أحد متصلًا. أعط أحد عناوينك لمن تعرفهم، أو افتح منفذه في الموجّه.
network-alone = أنت وحدك
network-alone-next = اتصل بعنوان أعطاك إياه أحد، أو انتظر: من هم على شبكتك المحلية يظهرون تلقائيًا.
network-deaf = لا تستمع هذه العقدة على أي عنوان
network-deaf-next = تأكد أن لهذا الحاسوب شبكة، ثم شغّل العقدة من جديد.
network-peers = الأجهزة المتصلة
network-no-peers = لا أحد متصل. ما تكتبه ينتظر هنا ويخرج تلقائيًا.
network-own-device = لك
network-incoming = اتصل بك
network-outgoing = اتصلت به
reach-machine = هذا الحاسوب
reach-local = الشبكة المحلية
reach-world = الإنترنت
network-dial = اتصل بشخص
network-address = العنوان
network-address-hint = يبدأ بـ / وينتهي بـ /p2p/ ومعرّف.
network-dial-now = اتصل
done-dialled = تم الاتصال.
network-given = عناوين تعطيها للآخرين
network-given-lead = من يملك أحدها يستطيع الاتصال بهذه العقدة.
given-machine = يعمل على هذا الحاسوب وحده
given-local = يعمل في شبكتك المحلية
given-world = يعمل من أي مكان إن لم يكن بينكما موجّه
network-checks = الحالة
network-all-good = كل شيء بخير
check-good = بخير
check-bad = يحتاج إليك
check-api = هذه الصفحة
check-api-next = شغّل العقدة من جديد.
check-store = المخزن
check-store-next = انظر في سجل العقدة.
check-store-rows = { $count ->
    [one] صف واحد
    [two] صفان
    [few] { $count } صفوف
   *[other] { $count } صفًّا
}
check-room = مساحة القرص
check-room-next = أفرغ بعض المساحة. إن امتلأ لا يُقبل جديد ولا يضيع شيء.
check-clock = الساعة
check-clock-next = قفزت ساعة الحاسوب. اضبطها وشغّل العقدة من جديد، وإلى ذلك الحين تحسب العقدة وقتها بنفسها.
check-listening = الاستماع
check-listening-next = تأكد أن لهذا الحاسوب شبكة، ثم شغّل العقدة من جديد.
check-addresses = { $count ->
    [0] لا عنوان
    [one] عنوان واحد
    [two] عنوانان
    [few] { $count } عناوين
   *[other] { $count } عنوانًا
}
check-peers = الاتصالات
check-peers-next = اتصل بعنوان أعطاك إياه أحد.
check-devices = { $count ->
    [0] لا أحد
    [one] جهاز واحد
    [two] جهازان
    [few] { $count } أجهزة
   *[other] { $count } جهازًا
}
check-event = آخر حدث
check-event-next = لم يحدث شيء على هذه العقدة بعد. تابع أحدًا.
check-nothing-yet = لا شيء بعد
check-past = ماضي العقدة
check-past-next = لا توقّع هذه العقدة شيئًا حتى يتضح ذلك. أبقها متصلة بمن تعرفهم.
past-restored = استُعيدت هذه العقدة، وهي تسأل الآخرين عما قلته منذ ذلك الحين
past-copied = نُسخ هذا المجلد، وتسأل العقدة الآخرين هل هو أحدث نسخة
past-settled = تعرف هذه العقدة من جديد ما يعرفه الآخرون عنها
past-outdated = هذه نسخة قديمة من عقدتك، ولم تعد توقّع شيئًا
past-revoked = أخرج هذا الجهازَ جهازٌ آخر من أجهزتك
network-traffic = حركة البيانات
network-traffic-lead = منذ تشغيل العقدة.
traffic-kind = ماذا
traffic-came = وارد
traffic-went = صادر
traffic-gossip = ما يقوله الناس علنًا
traffic-requests = استدراك وطلبات وحسابات
network-storage = المحفوظ هنا
kept-said = منشورات وتزكيات وتقييمات وتفاعلات
kept-state = ملفات ومعروضات
kept-orders = طلبات
kept-tabs = حسابات ثقة
kept-follows = من تتابعهم
kept-waiting = رسائل تنتظر أحدًا
kept-own = مسودات وسلال وعناوين
kept-events = أحداث
kept-proofs = أدلة على تناقض
bytes-store = المخزن على القرص
bytes-search = فهرس البحث على القرص
bytes-all = العقدة كلها على القرص

notices = الإشعارات
notices-none = لا شيء بعد
notices-none-why = تظهر هنا الردود والتفاعلات والطلبات والتزكيات.
notice-new = جديد
today = اليوم
yesterday = أمس
notice-order-asked = طلب سعر من { $name }
notice-order-quoted = عرض سعر لك من { $name }
notice-order-placed = طلب جديد من { $name }
notice-order-accepted = قَبِل { $name } طلبك
notice-order-paid = يقول { $name } إن الدفع تم
notice-order-receipted = أكد { $name } وصول دفعتك
notice-order-fulfilled = أرسل { $name } طلبك
notice-order-completed = يقول { $name } إن كل شيء وصل
notice-order-declined = رفض { $name } طلبك
notice-order-cancelled = سحب { $name } طلبًا
notice-order-lapsed = انقضت مهلة طلب مع { $name }
notice-tab = تغيّر حساب الثقة بينك وبين { $name }
notice-answer = رد جديد على منشورك من { $name }
notice-reaction = تفاعل { $emoji } مع منشورك من { $name }
notice-reshare = مرّر { $name } منشورك
notice-vouch = يزكّيك { $name }
notice-unvouch = لم يعد { $name } يزكّيك
notice-review = تقييم من { $name } لشيء من متجرك
notice-equivocated = قال جهاز لدى { $name } أمرين مختلفين تحت رقم واحد
notice-device = جهاز يريد أن يصبح من أجهزتك

more-money = ما لك عند الناس وما عليك
more-people = من تتابعهم ومن يزكّون
more-shop = ما تبيعه
more-notices = ما حدث في غيابك
more-network = من المتصل، وهل كل شيء بخير
more-settings = الهوية والأجهزة والنسخ الاحتياطي والخصوصية واللغة
more-welcome = الخطوات الأولى
more-welcome-lead = اسمك وكلمات الاستعادة ومن تتابعهم
