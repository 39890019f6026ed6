# متجر المالك وملفات المنتجات وواجهة المتجر لعامة الناس.
shop-do = ما يمكنك فعله
shop-as-others = كما يراه الآخرون
shop-terms = الشروط
shop-import = استيراد
shop-export = تصدير جميع المعروضات كملف
shop-new = معروض جديد
shop-to-do = طلبات تنتظرك
shop-all-orders = كل الطلبات التي تنتظرك: { $count }
shop-do-accept = قبول
shop-do-paid = تحقق من الدفع
shop-do-ship = شحن
shop-do-look = عرض
shop-goods = المعروضات
shop-show = أي المعروضات تظهر
shop-all = الكل
shop-published = منشورة
shop-drafts = مسودات
shop-sold-out = نافدة
shop-find = ابحث في معروضاتك
shop-find-do = بحث
shop-corrected = لا شيء بهذه الكتابة؛ هذا أقرب ما وُجد.
shop-none = لا معروض يطابق.
shop-all-again = أظهر الكل
shop-empty = متجرك مفتوح وما زال فارغًا
shop-empty-how = أضف أول معروض بيدك، أو أحضرها كلها في ملف منتجات من نظام متاجر آخر.
shop-title = العنوان
shop-price = السعر
shop-price-in = السعر بعملة { $currency }
shop-stock = المخزون
shop-public = ظاهر
shop-stock-hint = ترك خانة المخزون فارغة يعني أن الوحدات لا تُعدّ: يمكن بيع أي عدد يُطلب.
shop-variant = الصنف
shop-variants = { $count ->
    [one] صنف واحد
    [two] صنفان
    [few] { $count } أصناف
   *[other] { $count } صنفًا
}
shop-edit-variants = { $count ->
    [few] حرّر { $count } أصناف
   *[other] حرّر { $count } صنفًا
}
shop-more-variants = أصناف أخرى
shop-range = { $from }–{ $to } من { $count }
shop-earlier = الصفحة السابقة
shop-save = احفظ التغييرات
done-shop-saved = حُفظ. يصل الآن إلى كل من يحمل متجرك.
done-shop-same = لم يتغير شيء.
done-shop-open = متجرك مفتوح.
done-shop-terms = صارت الشروط سارية.
done-shop-removed = أزيل نهائيًا.
done-shop-new = أُنشئ المعروض.
done-shop-forgotten = لم يُستورد شيء.

shop-open = افتح متجرك
shop-open-how = بضعة شروط ثم تبيع. يمكنك تغييرها لاحقًا؛ والطلبات المفتوحة تبقى على الشروط التي نشأت عليها.
shop-open-do = افتح المتجر
shop-terms-public = يرى الجميع هذه الشروط، إلا طريقة الدفع فيراها المشتري مع الطلب.
shop-currency = عملة جميع الأسعار
shop-currency-hint = ثلاثة أحرف مثل EUR. تبقى كما هي متى وُجدت معروضات.
shop-shipping = الشحن لكل طلب
shop-shipping-hint = سعر ثابت إلى أي مكان. اتركه فارغًا للشحن المجاني.
shop-free-from = شحن مجاني ابتداءً من
shop-free-from-hint = المبلغ الذي يصير الشحن بعده مجانيًا. فارغ يعني أبدًا.
shop-returns = أيام الإرجاع
shop-returns-hint = 0 يعني لا إرجاع فوق ما يوجبه القانون.
shop-payment = كيف يُدفع لك
shop-payment-hint = كلمات أو رقم IBAN لمن لا يدفع على الحساب. اتركه فارغًا إن كنت تقبل الحساب فقط.
shop-by-itself = اقبل كل طلب يسمح به المخزون دون سؤالي

shop-is-public = ظاهر
shop-is-draft = مسودة
shop-changed-ago = تغيّر { $ago }
shop-see = انظره كما يراه الآخرون
shop-post-about = اكتب عنه
shop-description = الوصف
shop-markdown = يمكنك كتابة **عريض** و*مائل* وقوائم بشرطة و[روابط](https://…).
shop-price-stock = السعر والمخزون
shop-visibility = الظهور
shop-published-do = منشور
shop-published-hint = كل ما يُنشر يمكن للجميع أن يجده ويشتريه. أما المسودة فتبقى عندك.
shop-facts = بيانات
shop-kind = النوع
shop-kind-physical = شيء يُشحن أو يُستلم
shop-kind-digital = ملف أو حق
shop-kind-service = عمل يُنجز
shop-vendor = الصانع
shop-category = الفئة
shop-tags = وسوم
shop-tags-hint = كلمات يُعثر بها عليه، بينها فواصل.
shop-handle = الاسم القصير
shop-remove = أزل هذا المعروض
shop-remove-what = يختفي عن الجميع ولا يُستعمل عنوانه ثانية. الطلبات المفتوحة تستمر. إن أردت إخفاءه لفترة فألغِ نشره بدلًا من ذلك.
shop-remove-do = أزل نهائيًا
shop-options = يأتي بمقاسات أو ألوان أو نحوها
shop-options-hint = كل تركيبة تصير صنفًا. تبدأ بالسعر والمخزون المذكورين أعلاه، ثم تضبط كل صنف على حدة.
shop-option-name = الخيار { $number }، مثل المقاس
shop-option-values = قيمه، بينها فواصل
shop-ships = يجب شحنه
shop-weight = الوزن بالغرام
shop-create = أنشئ المعروض

import-how = أحضر منتجاتك في ملف: CSV كما يصدّره Shopify أو ما يشبهه. ترى ما سيغيّره قبل أن يُكتب شيء.
import-file = اختر ملفًا أو أفلته هنا
import-file-hint = ملف CSV بترميز UTF-8 حتى { $size }.
import-drafts = انشر أيضًا ما لا ينشره الملف
import-look = انظر ما سيتغير
import-kept = قُرئ الملف { $name } وهو ينتظرك
import-what = ما سيغيّره { $name }
import-nothing-yet = لم يُكتب شيء بعد.
import-new = جديد
import-changed = متغيّر
import-same = كما هو
import-warnings = تنبيهات
import-warned = { $count ->
    [one] تنبيه واحد
    [two] تنبيهان
    [few] { $count } تنبيهات
   *[other] { $count } تنبيهًا
}
import-stock-stays = في { $count ->
    [one] صنف واحد
    [two] صنفين
    [few] { $count } أصناف
   *[other] { $count } صنفًا
} يخالف مخزون الملف مخزون متجرك. يبقى رقم متجرك، لأن المبيعات تُحسب منه.
import-do = { $count ->
    [one] استورد معروضًا واحدًا
    [two] استورد معروضين
    [few] استورد { $count } معروضات
   *[other] استورد { $count } معروضًا
}
import-anyway = لا شيء يتغير؛ استورد على أي حال
import-forget = تجاهل
import-becomes = يصير
import-details = بالتفصيل
import-is-new = جديد
import-is-changed = متغيّر
import-published = يُنشر
import-unpublished = يُلغى نشره
import-added = { $count ->
    [one] صنف جديد واحد
    [two] صنفان جديدان
    [few] { $count } أصناف جديدة
   *[other] { $count } صنفًا جديدًا
}
import-removed = { $count ->
    [one] يُزال صنف واحد
    [two] يُزال صنفان
    [few] تُزال { $count } أصناف
   *[other] يُزال { $count } صنفًا
}
import-other = الوصف أو الصور أو بيانات أخرى
import-further = و{ $count } أخرى
import-runs = جارٍ استيراد { $name }
import-progress = { $listings } من { $of } معروضًا
import-goes-on = يستمر وإن غادرت هذه الصفحة.
import-done = تم الاستيراد
import-to-shop = إلى معروضاتك
import-failed = توقف الاستيراد
import-failed-what = ما كُتب حتى الآن يبقى. استورد الملف ثانية فيُكمل من هناك.

front-skip = انتقل إلى المعروضات
front-find = ابحث في هذا المتجر
front-find-do = بحث
front-categories = الفئات
front-all = كل شيء
front-count = { $count ->
    [one] معروض واحد
    [two] معروضان
    [few] { $count } معروضات
   *[other] { $count } معروضًا
}
front-found = { $count ->
    [0] لا شيء عن «{ $text }»
    [one] معروض واحد عن «{ $text }»
    [two] معروضان عن «{ $text }»
    [few] { $count } معروضات عن «{ $text }»
   *[other] { $count } معروضًا عن «{ $text }»
}
front-none = لا شيء للبيع هنا بعد
front-earlier = الصفحة السابقة
front-later = الصفحة التالية
front-back = كل المعروضات
front-sold-out = نفد
front-left = { $count ->
    [one] بقيت وحدة واحدة فقط
    [two] بقيت وحدتان
    [few] { $count } وحدات في المخزون
   *[other] { $count } وحدة في المخزون
}
front-uncounted = متوفر
front-as-of = حتى { $when }
front-before = كان { $price }
front-variant = الصنف
front-price = السعر
front-stock = المخزون
front-pictures = صور في مكان آخر
front-pictures-hint = لا تُحمّل هنا؛ الرابط يفتحها حيث هي.
front-delivery = الشحن والإرجاع
front-ships-flat = يكلّف الشحن { $price } للطلب كله، إلى أي مكان.
front-ships-free = الشحن مجاني إلى أي مكان.
front-ships-free-from = ابتداءً من { $price } يصير الشحن مجانيًا.
front-ships-asked = تعرف كلفة الشحن قبل أن تطلب.
front-ships-not = لا شيء يُشحن.
front-returns = { $count ->
    [0] الإرجاع كما ينص القانون.
    [one] يمكنك إرجاعه خلال يوم واحد.
    [two] يمكنك إرجاعه خلال يومين.
    [few] يمكنك إرجاعه خلال { $count } أيام.
   *[other] يمكنك إرجاعه خلال { $count } يومًا.
}
front-reviews = التقييمات
front-no-reviews = لم يقيّمه أحد بعد.
front-rating = { $mean } من 5 من { $count ->
    [one] عملية شراء واحدة
    [two] عمليتي شراء
    [few] { $count } عمليات شراء
   *[other] { $count } عملية شراء
}
front-bought = اشتراه
front-buy = اشترِه
front-buy-how = يبيع هذا المتجر عبر Souk دون وسيط. افتح هذا العنوان في عقدتك:
front-buy-command = أو ابحث عنه من سطر الأوامر:
front-vendor = من صنع { $name }
front-follow = تابع هذا المتجر من عقدتك:
front-feeds = الجديد كخلاصة
front-missing = لا شيء هنا
front-missing-what = ربما بيع أو أزيل.
front-too-many = طلبات كثيرة جدًا
front-too-many-what = انتظر لحظة ثم حاول ثانية.
front-busy = كثيرون يتصفحون الآن
front-busy-what = انتظر بضع ثوانٍ ثم حاول ثانية.
front-method = هذا المتجر للقراءة فقط
front-method-what = يجيب عن GET وHEAD.
front-failed = حدث خلل
front-failed-what = حاول ثانية لاحقًا.
