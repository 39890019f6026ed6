# الأخبار والمنشورات والإشعارات.
compose = ما الجديد؟
compose-public = يستطيع الجميع قراءته، ولا يمكن سحبه.
keep-draft = احفظ مسودة
post = انشر
tag-own = اربط شيئًا من متجرك
done-posted = نُشر. يصل إلى كل من يقرؤك.
done-replied = ردّك في الطريق.
done-reshared = مُرّر إلى كل من يقرؤك.
done-kept = حُفظ في هذه العقدة.
feed-show = ما يُعرض
feed-all = الكل
feed-posts = منشورات
feed-reviews = تقييمات وتزكيات
feed-newest-first = الأحدث أولًا
feed-empty = لا شيء هنا بعد
feed-none-yet = لا شيء من هذا النوع بين الأحدث. قد يوجد شيء بين الأقدم.
feed-empty-nobody = تابع من تعرفهم، وستقرأ هنا ما يقولونه ويوصون به.
feed-empty-quiet = لم يقل أحد ممن تتابعهم شيئًا بعد. كن أول من يقول.
find-people = ابحث عن أناس
why-yours = منك
why-followed = أنت تتابعه
said-vouch = يزكّي
said-unvouch = لم يعد يزكّي
said-review = اشترى وقيّم
said-reshare = مرّر
said-reply = ردّ
equivocated = قال أحد أجهزته شيئين مختلفين تحت رقم واحد. كن حذرًا.
stars = { $count ->
    [one] نجمة واحدة من 5
    [two] نجمتان من 5
   *[other] { $count } نجوم من 5
}
bought-it = اشتراه
product-not-here = منتج لم يصل إلى هنا بعد
answers = { $count ->
    [0] رد
    [one] رد واحد
    [two] ردّان
    [few] { $count } ردود
    [many] { $count } ردًّا
   *[other] { $count } رد
}
react = تفاعل
unreact = اسحب
reshare = مرّر
reply = رد
your-answer = ردّك
answer-to = رد على { $name }
post-by = منشور { $name }
